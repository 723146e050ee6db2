"""What stands in for a forge: it keeps the comments of one merge request; and `gh` without an account.

Owns both. Must not know what a comment says.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

GH = """#!/bin/sh
# gh api [-X VERB] PATH [--paginate] [--jq FILTER] [-F body=@FILE] [--silent]
verb=GET filter=. body=
[ "$1" = api ] && shift
while [ $# -gt 0 ]; do
  case $1 in
    -X) verb=$2; shift ;;
    --jq) filter=$2; shift ;;
    -F) body=${2#body=@}; shift; [ "$verb" = GET ] && verb=POST ;;
    --paginate | --silent) ;;
    *) path=$1 ;;
  esac
  shift
done
if [ -n "$body" ]; then set -- --data-urlencode "body@$body"; fi
curl -fsS -X "$verb" "$@" "$FORGE/$path" | jq -r "$filter"
"""


class Forge:
    """Keeps the comments of one merge request."""

    def __init__(self) -> None:
        self.comments: list[str] = ["a person's own words"]
        forge = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._say([{"id": number, "body": text} for number, text in enumerate(forge.comments)])

            def do_POST(self) -> None:
                forge.comments.append(self._body())
                self._say({})

            def do_PUT(self) -> None:
                forge.comments[int(self.path.rsplit("/", 1)[1])] = self._body()
                self._say({})

            do_PATCH = do_PUT  # noqa: N815

            def _body(self) -> str:
                return parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())["body"][0]

            def _say(self, document: object) -> None:
                data = json.dumps(document).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
