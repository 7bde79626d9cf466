"""The embedder of the settings, and one behind an OpenAI-compatible server that is played by a transport."""

import json

import httpx
import numpy as np
import pytest
from openai import AsyncOpenAI

from knowledge.embed import LocalEmbedder, OpenAIEmbedder, make_embedder
from sahut.errors import ConfigurationError, ModelFailed
from sahut.settings import Settings


class Server:
    """Answers `/embeddings` with [length of the text, 1], in reverse order, and remembers what it was asked."""

    def __init__(self, status=200) -> None:
        self.status = status
        self.asked = []

    def __call__(self, request) -> httpx.Response:
        texts = json.loads(request.content)["input"]
        self.asked.append(texts)
        data = [{"object": "embedding", "index": n, "embedding": [len(t), 1.0]} for n, t in enumerate(texts)]
        body = {
            "object": "list",
            "model": "m",
            "data": data[::-1],
            "usage": {"prompt_tokens": 1, "total_tokens": 1},
        }
        return httpx.Response(self.status, json=body if self.status == 200 else {"error": {"message": "no"}})


def embedder_for(server):
    client = httpx.AsyncClient(transport=httpx.MockTransport(server))
    return OpenAIEmbedder(
        "m", AsyncOpenAI(api_key="k", base_url="http://test.invalid/v1", http_client=client, max_retries=0)
    )


async def test_rows_come_back_in_order_scaled_and_remembered():
    server = Server()
    embedder = embedder_for(server)
    vectors = await embedder.embed(["aaa", "", "aaa"])
    assert np.allclose(vectors[0], np.array([3, 1]) / np.sqrt(10))
    assert np.allclose(vectors[0], vectors[2])
    assert embedder.dimension == 2
    await embedder.embed(["aaa"])
    assert server.asked == [["aaa", "-"]]
    await embedder.close()


async def test_many_texts_go_in_batches():
    server = Server()
    embedder = embedder_for(server)
    assert (await embedder.embed([str(n) for n in range(300)])).shape == (300, 2)
    assert [len(texts) for texts in server.asked] == [128, 128, 44]
    await embedder.close()


async def test_a_server_that_refuses_is_a_model_that_failed():
    embedder = embedder_for(Server(status=500))
    with pytest.raises(ModelFailed, match="did not answer"):
        await embedder.embed(["x"])
    await embedder.close()


async def test_the_settings_choose(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    assert isinstance(make_embedder(Settings(_env_file=None)), LocalEmbedder)
    with pytest.raises(ConfigurationError, match="OPENAI_API_KEY"):
        make_embedder(Settings(_env_file=None, embedder="text-embedding-3-small"))
    remote = make_embedder(Settings(_env_file=None, embedder="bge", openai_base_url="http://localhost:1"))
    assert isinstance(remote, OpenAIEmbedder)
    await remote.close()
