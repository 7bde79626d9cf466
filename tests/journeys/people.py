"""Who plays beside the customers: operators at the REST interface. They know the house by its doors alone."""

from dataclasses import dataclass
from typing import Any

import httpx

from api.simulator.customers import Customer, Sent

Json = dict[str, Any]


@dataclass(frozen=True)
class Rest:
    """The REST interface with a key in hand."""

    web: httpx.AsyncClient
    key: str | None

    async def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {} if self.key is None else {"Authorization": f"Bearer {self.key}"}
        return await self.web.request(method, f"/api/v1/{path}", headers=headers, **more)

    async def get(self, path: str) -> Json:
        """The answer's body; anything but 200 fails the play."""
        answer = await self.call("GET", path)
        assert answer.status_code == 200, answer.text
        body: Json = answer.json()
        return body

    async def items(self, path: str) -> list[Json]:
        items: list[Json] = (await self.get(path))["items"]
        return items

    async def post(self, path: str, body: Any = None) -> httpx.Response:
        return await self.call("POST", path, json=body)

    async def post_raw(self, path: str, content: bytes) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        return await self.web.post(f"/api/v1/{path}", content=content, headers=headers)


@dataclass(frozen=True)
class Operator:
    """A human who works at the REST interface."""

    rest: Rest
    name: str

    # --- what they teach

    async def learns(self, name: str, text: str) -> Json:
        """A document by its file's name; the answer's body."""
        answer = await self.rest.call("POST", "documents", files={"file": (name, text.encode())})
        assert answer.status_code == 201, answer.text
        learned: Json = answer.json()
        return learned

    # --- what they see

    async def conversation(self, customer: Customer) -> Json:
        for item in await self.rest.items("conversations?limit=200"):
            names = item["contact"]
            if names["phone"] == customer.phone and (customer.phone or names["user_id"] == customer.user_id):
                return item
        raise AssertionError(f"there is no conversation with {customer.name}")

    async def messages(self, customer: Customer) -> list[Json]:
        return await self.rest.items(f"conversations/{(await self.conversation(customer))['id']}/messages")

    async def handoffs(self, customer: Customer) -> list[Json]:
        conversation = await self.conversation(customer)
        return [item for item in await self.rest.items("handoffs") if item["conversation_id"] == conversation["id"]]

    async def receipt(self, customer: Customer, sent: Sent) -> Json:
        """What a message that the customer got stands on."""
        message = next(item for item in await self.messages(customer) if item["wamid"] == sent.wamid)
        return await self.rest.get(f"messages/{message['id']}/receipt")

    async def text_of(self, document: str, version: str) -> str:
        """The extracted text of a document's version."""
        found = next(item for item in await self.rest.items("documents?limit=200") if item["path"] == document)
        answer = await self.rest.call("GET", f"documents/{found['id']}/versions/{version}/text")
        assert answer.status_code == 200
        return answer.text

    # --- what they do

    async def claims(self, customer: Customer) -> httpx.Response:
        return await self.rest.post(f"handoffs/{(await self.handoffs(customer))[-1]['id']}/claim")

    async def writes(self, customer: Customer, text: str) -> httpx.Response:
        return await self._does(customer, "messages", {"type": "text", "text": {"body": text}})

    async def takes_over(self, customer: Customer) -> httpx.Response:
        return await self._does(customer, "takeover")

    async def returns(self, customer: Customer) -> httpx.Response:
        return await self._does(customer, "return")

    async def resolves(self, customer: Customer) -> httpx.Response:
        return await self._does(customer, "resolve", {"note": "done"})

    async def marks_spam(self, customer: Customer) -> httpx.Response:
        return await self._does(customer, "spam")

    async def undoes_spam(self, customer: Customer) -> httpx.Response:
        return await self._does(customer, "not-spam")

    async def _does(self, customer: Customer, what: str, body: Any = None) -> httpx.Response:
        conversation = await self.conversation(customer)
        return await self.rest.post(f"conversations/{conversation['id']}/{what}", body)
