"""Any file → rows → pairs, the report on what is wrong with them, and the rows held out.

Runs in the page process: nothing here imports torch, transformers, peft, trl, pandas, datasets or pyarrow.
"""
