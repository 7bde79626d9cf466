"""The graph of one turn, on one screen. Knows the order of the nodes and nothing of what they do.

    screen -> understand -> retrieve -> think <-> act -> check -> reply | clarify | hand_off
    screen -> fill (in the middle of a form) -> reply, or retrieve for a question; think -> fill begins one
One turn is one run: the messages in the store are the memory, so there is no checkpointer. A node that decides
how the turn ends leaves an `ending` in the state, and the next step is the ending's.
"""

from collections.abc import Awaitable, Callable
from functools import cache

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agent import endings, forms, nodes
from agent.state import Deps, State

ENDINGS = ("reply", "clarify", "hand_off", "silent")
Graph = CompiledStateGraph[State, Deps, State, State]


def then(step: Callable[[State], str]) -> Callable[[State], Awaitable[str]]:
    """The way on: to the ending where one is decided, else to `step`."""

    # Async, because LangGraph sends a plain function through a thread.
    async def way(state: State) -> str:
        ending = state.get("ending")
        return ending.decision if ending else step(state)

    return way


@cache
def build() -> Graph:
    """The compiled graph; made once, used by every turn."""
    graph = StateGraph(State, context_schema=Deps)
    graph.add_node("screen", nodes.screen)
    graph.add_node("understand", nodes.understand)
    graph.add_node("fill", forms.fill)
    graph.add_node("retrieve", nodes.retrieve)
    graph.add_node("think", nodes.think)
    graph.add_node("act", nodes.act)
    graph.add_node("check", nodes.check_draft)
    graph.add_node("reply", endings.reply)
    graph.add_node("clarify", endings.clarify)
    graph.add_node("hand_off", endings.hand_off)
    graph.add_node("silent", endings.silent)

    graph.add_edge(START, "screen")
    graph.add_conditional_edges(
        "screen",
        then(lambda state: "fill" if state["turn"].filling else "understand"),
        ["fill", "understand", "clarify", "hand_off", "silent"],
    )
    graph.add_conditional_edges(
        "understand",
        then(lambda state: "retrieve" if "question" in state else "act"),
        ["retrieve", "act", *ENDINGS],
    )
    graph.add_conditional_edges("fill", then(lambda state: "retrieve"), ["retrieve", "reply", "clarify", "hand_off"])
    graph.add_conditional_edges("retrieve", then(lambda state: "think"), ["think", "hand_off"])
    graph.add_conditional_edges(
        "think",
        then(lambda state: "fill" if "begun" in state else "act" if state["draft"].tool_calls else "check"),
        ["fill", "act", "check", "hand_off"],
    )
    graph.add_conditional_edges(
        "act",
        then(lambda state: "think" if "draft" in state else "understand"),
        ["think", "understand", "reply", "clarify", "hand_off"],
    )
    graph.add_conditional_edges("check", then(lambda state: "hand_off"), ["reply", "clarify", "hand_off"])
    for ending in ENDINGS:
        graph.add_edge(ending, END)
    return graph.compile()


def draw() -> str:
    """The graph as mermaid, for the documentation."""
    return build().get_graph().draw_mermaid()
