"""Runs the recipes of the page: what stands there is what is run, with this machine's servers for the page's."""
import os
import re
import shutil
import subprocess

PAGE = "Docs/executors/http.md"


def blocks(root, mark):
    """(name, text) of the fences after <!-- MARK: NAME -->."""
    text = open(f"{root}/{PAGE}").read()
    return re.findall(rf"<!-- {mark}: (recipe-[a-z-]+|recipes) -->\n```[a-z]+\n(.*?)```", text, re.S)


def plain(text, local):
    """Without what differs from run to run."""
    for url, shown in local.items():
        text = text.replace(url, shown)
    return re.sub(r"execution [0-9a-f]{8}", "execution 01234567", text)


def run(binaries, plugin, directory, checks, root, port):
    sidecar = dict(blocks(root, "example"))["recipes"]
    local = {f"http://127.0.0.1:{port}": "https://api.example.com", f"http://127.0.0.4:{port}": "https://orders.example.com",
             f"http://127.0.0.5:{port}/token/3600": "https://login.example.com/token", f"{directory}/uploads": "/srv"}
    for level in ("worker", "sandbox"):
        home = f"{directory}/recipes-{level}"
        os.makedirs(f"{home}/plugins", mode=0o700)
        os.makedirs(f"{home}/secrets", mode=0o700)
        for name in ("orders-secret", "api-token"):
            with open(os.open(f"{home}/secrets/{name}", os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write(f"the {name}\n")
        text = sidecar.replace("isolation: sandbox", f"isolation: {level}")
        if level == "worker":
            text = re.sub(r"\nneeds:\n( .*\n)+", "\n", text)
        text = text.replace("api.example.com:443", f"127.0.0.1:{port}").replace("orders.example.com:443", f"127.0.0.4:{port}")
        text = text.replace("login.example.com:443", f"127.0.0.5:{port}")
        for url, shown in local.items():
            text = text.replace(shown, url)
        with open(f"{directory}/uploads/report.csv", "w") as file:
            file.write("a,b\n1,2\n")
        with open(os.open(f"{home}/plugins/http.yaml", os.O_WRONLY | os.O_CREAT, 0o644), "w") as file:
            file.write(text)
        shutil.copy(plugin, f"{home}/plugins/http.so")
        os.chmod(f"{home}/plugins/http.so", 0o755)
        kept = {k: v for k, v in os.environ.items() if not k.startswith("SPINDLE_")}
        environment = {**kept, "SPINDLE_STATE": f"{home}/state", "SPINDLE_PLUGINS_DIRECTORY": f"{home}/plugins",
                       "SPINDLE_SECRETS_DIRECTORY": f"{home}/secrets", "PATH": f"{binaries}:{os.environ['PATH']}", "HOME": home}
        outputs = dict(blocks(root, "output"))
        recipes = [(name, text) for name, text in blocks(root, "example") if name.startswith("recipe-")]
        checks.check(len(recipes) >= 5, f"only {len(recipes)} recipes on the page")
        for name, script in recipes:
            for url, shown in local.items():
                script = script.replace(shown, url)
            done = subprocess.run(["bash", "-eu", "-c", script], env=environment, cwd=home, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            got = plain(done.stdout, local)
            wanted = re.sub(r"execution [0-9a-f]{8}", "execution 01234567", outputs.get(name, "(nothing on the page)"))
            checks.check(done.returncode == 0 and got == wanted, f"{name} at {level}: status {done.returncode}\n--- got\n{got}--- the page\n{wanted}")
    print(f"recipes: {len(recipes)} at each level")
