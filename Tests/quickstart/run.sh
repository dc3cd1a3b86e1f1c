#!/usr/bin/env bash
# Runs the quickstart and compares its end with what README.md shows, without identifiers, times, ports and the width of columns.
set -euo pipefail
cd "$(dirname "$0")/../.."

plain() {
    sed -E -e 's/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/ID/g' \
        -e 's/\b[0-9a-f]{8}\b/SHORT/g' \
        -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z/TIME/g' \
        -e 's/\b[0-9.]+(us|ms|s|m) ago/AGO/g' \
        -e 's/\b[0-9.]+(us|ms|s) +worker [0-9]+/TOOK WORKER/g' \
        -e 's/127\.0\.0\.1:[0-9]+/ADDRESS/g' \
        -e 's/[ \t]+/ /g' -e 's/ $//' -e '/^$/d'
}

output=$(mktemp)
trap 'rm -f "$output"' EXIT
./Scripts/quickstart >"$output" || {
    cat "$output"
    exit 1
}
shown=$(sed -n '/^<!-- output: quickstart -->$/,/^```$/p' README.md | sed -e '1,2d' -e '$d' | plain)
real=$(sed -n '/^how they went:$/,/^next:/p' "$output" | sed '$d' | plain)
if [ "$shown" != "$real" ]; then
    diff <(echo "$shown") <(echo "$real") || true
    echo "README.md does not show what the quickstart prints" >&2
    exit 1
fi
echo "the quickstart ends as README.md shows"
