"""Runs multilingual-e5-small through onnxruntime: texts to unit vectors, one at a time. Knows no document.

The weights are 4-bit. All matrices but one run in 8-bit integers, the last of each layer in blocks, because its inputs
have outliers: measured, that gives the exact vectors back (cosine .999) at two thirds of the time. The 8-bit weights
use 7 bits, so that processors without the newer instructions do not overflow either.
"""

from functools import cache

import numpy as np

from knowledge.e5file import Bytes, E5File, e5_path, plain, scales, weights
from knowledge.onnxfile import MICROSOFT, Graph
from sahut.memory import trim
from sahut.ports import Vectors

NAME = "e5-small-mix-1"  # another mix of precisions makes another space: count up
DIMENSION = 384
# Beyond this a chunk's vector hardly moves; chunks have about 300.
_MOST_TOKENS = 448
_SEVEN_BITS = 63


class E5:
    """The model: about 0.5 s to load and 125 MB; 3 ms a question, 45 ms for 300 tokens on one core."""

    def __init__(self, file: E5File) -> None:
        import onnxruntime

        self._file = file
        self._words = file.blocks("emb.word", file.width)
        self._places = file.floats("emb.pos").reshape(-1, file.width) + file.floats("emb.type")[: file.width]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.enable_cpu_mem_arena = False  # as quick, and what a long passage took is given back
        self._session = onnxruntime.InferenceSession(
            _graph(file),
            options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=["SkipLayerNormFusion"],  # the fused operator is slower here
        )

    def question(self, text: str) -> Vectors:
        """The unit vector of a question, shape (384,)."""
        return self._encode(f"query: {text}")

    def passage(self, text: str) -> Vectors:
        """The unit vector of a passage, shape (384,)."""
        return self._encode(f"passage: {text}")

    def _encode(self, text: str) -> Vectors:
        ids = self._file.tokens.ids(text, _MOST_TOKENS)
        rows = plain(self._words[ids]) + self._places[: len(ids)]
        vector = self._session.run(None, {"rows": rows[None]})[0][0]
        return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


@cache
def e5() -> E5 | None:
    """The process's one model; None where its file is not installed."""
    path = e5_path()
    if path is None:
        return None
    file = E5File(path)
    model = E5(file)
    file.let_go()
    trim()
    return model


def _graph(file: E5File) -> bytes:
    graph = Graph()
    heads = graph.constant(np.array([0, 0, file.heads, file.width // file.heads]))
    together = graph.constant(np.array([0, 0, file.width]))
    thirds = graph.constant(np.array([file.width] * 3))
    scale = graph.constant(np.array([(file.width // file.heads) ** -0.5], dtype=np.float32))
    rows = _normal(graph, file, "rows", "emb.ln")
    for layer in (f"l{number}" for number in range(file.layers)):
        mixed = _bytes(graph, file, rows, [f"{layer}.{part}" for part in "qkv"])
        query, key, value = graph.nodes("Split", mixed, thirds, outputs=3, axis=-1)
        query = graph.node("Reshape", graph.node("Mul", query, scale), heads)
        query = graph.node("Transpose", query, perm=[0, 2, 1, 3])
        key = graph.node("Transpose", graph.node("Reshape", key, heads), perm=[0, 2, 3, 1])
        value = graph.node("Transpose", graph.node("Reshape", value, heads), perm=[0, 2, 1, 3])
        attention = graph.node("Softmax", graph.node("MatMul", query, key), axis=-1)
        seen = graph.node("Transpose", graph.node("MatMul", attention, value), perm=[0, 2, 1, 3])
        seen = _bytes(graph, file, graph.node("Reshape", seen, together), [f"{layer}.ao"])
        rows = _normal(graph, file, graph.node("Add", rows, seen), f"{layer}.aln")
        inner = graph.node("Gelu", _bytes(graph, file, rows, [f"{layer}.fi"]), domain=MICROSOFT)
        outer = _nibbles(graph, file, inner, f"{layer}.fo")
        rows = _normal(graph, file, graph.node("Add", rows, outer), f"{layer}.oln")
    mean = graph.node("ReduceMean", rows, axes=[1], keepdims=0)
    return graph.model({"rows": [1, "tokens", file.width]}, {mean: [1, file.width]})


def _bytes(graph: Graph, file: E5File, rows: str, names: list[str]) -> str:
    """A dense layer in 8-bit integers, each output with its own scale. Several layers of one input become one."""
    matrix = plain(np.concatenate([file.blocks(f"{name}.w", file.width) for name in names])).T
    bias = np.concatenate([file.floats(f"{name}.b") for name in names])
    scale = np.abs(matrix).max(axis=0) / np.float32(_SEVEN_BITS)
    integers = np.round(matrix / scale).astype(np.int8)
    zeros = graph.constant(np.zeros(len(bias), dtype=np.int8))
    constants = [graph.constant(integers), graph.constant(scale.astype(np.float32)), zeros, graph.constant(bias)]
    return graph.node("DynamicQuantizeMatMul", rows, *constants, domain=MICROSOFT)


def _nibbles(graph: Graph, file: E5File, rows: str, name: str) -> str:
    """A dense layer in the file's own 4-bit blocks; `accuracy_level` 4 computes in 8-bit integers by block."""
    blocks: Bytes = file.blocks(f"{name}.w", file.inner)
    nibbles = weights(blocks)
    packed = graph.constant(nibbles[..., 0::2] | (nibbles[..., 1::2] << 4))
    sizes = {"K": file.inner, "N": len(blocks), "bits": 4, "block_size": nibbles.shape[-1], "accuracy_level": 4}
    product = graph.node("MatMulNBits", rows, packed, graph.constant(scales(blocks)), domain=MICROSOFT, **sizes)
    return graph.node("Add", product, graph.constant(file.floats(f"{name}.b")))


def _normal(graph: Graph, file: E5File, rows: str, name: str) -> str:
    parts = [graph.constant(file.floats(f"{name}.{part}")) for part in "wb"]
    return graph.node("LayerNormalization", rows, *parts, axis=-1, epsilon=float(file.epsilon))
