"""The examples of the executor's page: page.py ROOT KIND NAME prints the fence that is marked <!-- KIND: NAME -->."""
import re
import sys


def fence(root, kind, name):
    page = open(f"{root}/Docs/executors/rabbitmq.md", encoding="utf-8").read()
    return re.search(rf"<!-- {kind}: {name} -->\n```[a-z]+\n(.*?)```", page, re.S).group(1)


if __name__ == "__main__":
    print(fence(*sys.argv[1:]), end="")
