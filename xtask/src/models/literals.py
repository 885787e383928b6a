"""literals.py FILE NAME: the value of the constant NAME in a Python file, as JSON. Nothing of the file runs.

A call is an object with the name of what is called under "_", its arguments by their names, and those without
one under "args"; a `Decimal` is the text that it is made of.
"""

import ast
import json
import sys


def value(node):
    match node:
        case ast.Constant():
            return node.value
        case ast.List():
            return [value(item) for item in node.elts]
        case ast.Dict():
            return {value(key): value(item) for key, item in zip(node.keys, node.values)}
        case ast.Attribute():
            return node.attr
        case ast.Call(func=ast.Name(id="Decimal"), args=[text]):
            return value(text)
        case ast.Call():
            named = {keyword.arg: value(keyword.value) for keyword in node.keywords}
            return {"_": value(node.func), "args": [value(item) for item in node.args], **named}
        case ast.Name():
            return node.id
    sys.exit(f"line {node.lineno}: {ast.unparse(node)} is no literal")


path, name = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    tree = ast.parse(file.read())
for statement in tree.body:
    match statement:
        case ast.AnnAssign(target=ast.Name(id=found)) if found == name:
            json.dump(value(statement.value), sys.stdout)
            break
else:
    sys.exit(f"{path} has no constant {name}")
