"""A model's files in small, made without the library under test."""

from __future__ import annotations

import json

CONFIG = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "max_position_embeddings": 64}
WIDTHS = {"F32": 4, "BF16": 2}


def safetensors(tensors: dict[str, tuple[str, list[int]]]) -> bytes:
    """A whole safetensors file of zeros with the named tensors, each given as dtype and shape."""
    header, end = {}, 0
    for name, (dtype, shape) in tensors.items():
        size = WIDTHS[dtype]
        for length in shape:
            size *= length
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    return len(text).to_bytes(8, "little") + text + bytes(end)
