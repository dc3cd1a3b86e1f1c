"""Builds the plugins of the zoo."""
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

SOURCES = "PluginSDK/zoo"
# Those that no compiler makes.
MADE = {"truncated": "The first half of a plugin.", "text": "A text whose name ends in `.so`."}


def descriptions():
    """What each plugin does, as its first line says."""
    found = dict(MADE)
    for file in sorted(os.listdir(SOURCES)):
        if file.endswith(".c"):
            with open(os.path.join(SOURCES, file), encoding="utf-8") as source:
                found[file[:-2]] = re.fullmatch(r"/\* (.*) \*/", source.readline().strip()).group(1)
    return found


def compile_plugin(row, source, directory):
    """Makes NAME.so in a directory."""
    command = [
        os.environ.get("CC", "cc"), "-std=c11", "-D_GNU_SOURCE", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC",
        "-fvisibility=hidden", "-pthread", "-IPluginSDK/c/include", source, "-o", os.path.join(directory, f"{row.name}.so"),
        f"-L{directory}", *row.links]
    made = subprocess.run(command, capture_output=True, text=True)
    if made.returncode != 0:
        raise AssertionError(f"{' '.join(command)} failed:\n{made.stderr}")


def build(rows, directory):
    """Makes the plugins of all rows."""
    os.makedirs(directory)
    library = os.path.join(directory, "beside.c")
    with open(library, "w", encoding="ascii") as file:
        file.write("int beside(void) { return 1; }\n")
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", library, "-o", os.path.join(directory, "libbeside.so")],
                   check=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(compile_plugin, row, os.path.join(SOURCES, f"{row.name}.c"), directory)
                for row in rows if row.name not in MADE]
        for job in jobs:
            job.result()
    with open(os.path.join(SOURCES, "healthy.c"), "rb") as file:
        text = file.read()
    with open(os.path.join(directory, "text.so"), "wb") as file:
        file.write(text)
    whole = os.path.join(directory, "whole.so")
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-IPluginSDK/c/include", os.path.join(SOURCES, "healthy.c"),
                    "-o", whole], check=True)
    with open(whole, "rb") as file:
        image = file.read()
    with open(os.path.join(directory, "truncated.so"), "wb") as file:
        file.write(image[:len(image) // 2])
