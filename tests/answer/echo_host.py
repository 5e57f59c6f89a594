"""A chat host without a model, which does what the prompt says: for tests of the page's end of it."""

import json
import os
import re
import sys
import threading
import time

WRITING = threading.Lock()
STOPPED = set()


def reply(kind, number, **more):
    with WRITING:
        print(json.dumps({"kind": kind, "id": number, **more}), flush=True)


def answer(ask):
    number = ask["id"]
    prompt = next(iter(ask.get("panes", {"": (None, [{"content": "echo"}])}).values()))[1][-1]["content"]
    if prompt == "die":
        os._exit(3)
    if prompt == "fail":
        return reply("failed", number, message="That cannot be.\nNeither can this.")
    texts = dict.fromkeys(ask.get("panes", ()), "")
    words = re.split("(?<= )", json.dumps(ask)) if prompt == "echo" else [f"{i} " for i in range(10**6)]
    for i, word in enumerate(words):
        if number in STOPPED and prompt != "stuck":
            break
        anew = list(texts) if prompt == "anew" and i == 3 else []
        texts = {pane: ("" if anew else text) + word for pane, text in texts.items()}
        reply("said", number, pieces={pane: [[word, 0.5, [["other", 0.25]]]] for pane in texts}, anew=anew)
        if prompt == "anew" and i == 3:
            break
        while prompt == "stuck":
            time.sleep(1)
        time.sleep(0.002)
    ended = "stopped" if number in STOPPED else "end"
    measures = {pane: [5, len(words), 0.1, 0.2, ended] for pane in texts}
    return reply("done", number, texts=texts, measures=measures)


for line in sys.stdin:
    request = json.loads(line)
    if request["kind"] == "stop":
        STOPPED.add(request["id"])
    else:
        threading.Thread(target=answer, args=[request], daemon=True).start()
