# watch.sh OWNER PROGRAM ARGUMENT...: runs the program; ends it when the process OWNER is gone.
owner=$1
shift
"$@" &
server=$!
trap 'kill "$server" 2>/dev/null' TERM INT
if [ -n "$owner" ]; then
    while kill -0 "$owner" 2>/dev/null && kill -0 "$server" 2>/dev/null; do sleep 1; done
    kill "$server" 2>/dev/null
fi
wait "$server"
