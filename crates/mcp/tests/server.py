"""server.py [PORT]: an MCP server that does what tests need, with either version of the Python kit.

Over standard input and output, or at http://127.0.0.1:PORT/mcp, 0 for some free port. Then it prints its URL,
and ends when its standard input does.
"""

import asyncio
import os
import socket
import sys
import threading

try:
    from mcp.server.mcpserver import Context, Image, MCPServer as Kit
    from mcp.server.mcpserver.exceptions import ToolError
except ModuleNotFoundError:
    from mcp.server.fastmcp import Context, FastMCP as Kit, Image
    from mcp.server.fastmcp.exceptions import ToolError
from mcp.types import ToolAnnotations

server = Kit("fixture")


def hints(**given):
    """Hints by the names that this version of the kit has for them."""
    names = {"read_only": "readOnlyHint", "idempotent": "idempotentHint"}
    return ToolAnnotations.model_validate({names[name]: value for name, value in given.items()})


@server.tool(annotations=hints(read_only=True))
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@server.tool(annotations=hints(idempotent=True), structured_output=False)
def say(text: str) -> str:
    """Says it."""
    return text


@server.tool()
def fail(why: str) -> str:
    """Fails."""
    raise ToolError(why)


@server.tool()
async def hang() -> str:
    """Never ends."""
    await asyncio.Event().wait()
    return "never"


@server.tool()
def place() -> dict[str, float]:
    """Gives a structure."""
    return {"latitude": 41.9, "longitude": 12.5}


@server.tool()
def picture() -> Image:
    """Gives an image."""
    return Image(data=b"GIF89a", format="gif")


@server.tool(structured_output=False)
def much(count: int) -> str:
    """Gives so many bytes."""
    return "x" * count


@server.tool(structured_output=False)
def variable(name: str) -> str:
    """Tells a variable of its environment."""
    return os.environ.get(name, "(none)")


@server.tool(structured_output=False)
def process() -> str:
    """Tells its process."""
    return str(os.getpid())


@server.tool(name="odd.name")
def odd() -> str:
    """Has a name that providers refuse."""
    return "odd"


@server.tool(structured_output=False)
async def grow(ctx: Context) -> str:
    """Gives the server one more tool."""

    def grown() -> str:
        """It was not there before."""
        return "grown"

    server.add_tool(grown, name="grown")
    if hasattr(ctx, "notify_tools_changed"):
        await ctx.notify_tools_changed()
    else:
        await ctx.session.send_tool_list_changed()
    return "one more"


@server.tool()
def end() -> str:
    """Ends the process."""
    print("the server was told to end", file=sys.stderr, flush=True)
    os._exit(3)


@server.resource("note://hello", name="hello", description="A note.", mime_type="text/plain")
def note() -> str:
    return "Hello from a note."


@server.resource("note://bytes", name="bytes", mime_type="application/octet-stream")
def data() -> bytes:
    return b"\x00\x01"


def end_with_input():
    sys.stdin.buffer.read()
    os._exit(0)


def serve(port):
    import uvicorn

    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp", flush=True)
    threading.Thread(target=end_with_input, daemon=True).start()
    app = server.streamable_http_app()

    async def guarded(scope, receive, send):
        """Lets in who has the key, when there is one."""
        key = os.environ.get("FIXTURE_KEY")
        headers = dict(scope.get("headers", []))
        if key and scope["type"] == "http" and headers.get(b"authorization") != f"Bearer {key}".encode():
            await send({"type": "http.response.start", "status": 403, "headers": []})
            said = headers.get(b"authorization", b"nothing")
            await send({"type": "http.response.body", "body": b"not with " + said})
            return
        await app(scope, receive, send)

    config = uvicorn.Config(guarded, log_level="error")
    uvicorn.Server(config).run(sockets=[listener])


print("noise of the server", file=sys.stderr, flush=True)
if len(sys.argv) > 1:
    serve(int(sys.argv[1]))
else:
    print("noise where only the protocol should be", flush=True)
    server.run("stdio")
