"""Runs a CDK app against the generated Python sources of this library, and prints what it asked jsii for.

jsii's runtime and the packages of AWS are stand-ins: they take everything. The generated classes are the real ones, so a class, method,
keyword or property of ours that is not there fails as it would for a user. Arguments: the folder of the sources, the app.
"""
import importlib.abc
import importlib.machinery
import json
import runpy
import sys
import types
import typing

asked = []


class Anything:
    """A value of a package that is not here: any member, any call."""

    def __init__(self, *args, **kwargs):
        pass

    def __getattr__(self, name):
        return Anything()

    def __call__(self, *args, **kwargs):
        return Anything()


class AnyClass(type):
    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything()


class StandInModule(types.ModuleType):
    """A package that is not here: every name is a class."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        setattr(self, name, AnyClass(name, (Anything,), {}))
        return getattr(self, name)


class StandIns(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, fullname, path=None, target=None):
        if fullname.split(".")[0] in ("aws_cdk", "constructs"):
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec):
        return StandInModule(spec.name)

    def exec_module(self, module):
        pass


class JSIIMeta(AnyClass):
    """Of the generated classes: nothing is there but what they say themselves."""

    def __new__(mcs, name, bases, attributes, *, jsii_type=None):
        attributes["__jsii_type__"] = jsii_type
        attributes["__getattr__"] = mcs.missing
        return super().__new__(mcs, name, bases, attributes)

    def __init__(cls, name, bases, attributes, *, jsii_type=None):
        super().__init__(name, bases, attributes)

    def __getattr__(cls, name):
        raise AttributeError(f"type object '{cls.__name__}' has no attribute '{name}'")

    @staticmethod
    def missing(self, name):
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")


class ClassProperty:
    def __init__(self, function):
        self.function = function

    def __get__(self, instance, owner):
        return self.function(owner)


def decorator(*args, **kwargs):
    return lambda decorated: decorated


def record(kind):
    def recorded(target, *args):
        name = getattr(target, "__jsii_type__", None) or type(target).__jsii_type__
        # For a new object: itself, then its arguments, of which the last is a struct.
        struct = args[-1][-1] if kind == "create" else None
        keywords = sorted(key for key, value in getattr(struct, "_values", {}).items() if value is not None)
        asked.append([kind, name, keywords if kind == "create" else args[0]])
        return Anything()

    return recorded


def stand_in_for_jsii():
    jsii = types.ModuleType("jsii")
    jsii.JSIIMeta, jsii.Number = JSIIMeta, typing.Union[int, float]
    jsii.JSIIAssembly = types.SimpleNamespace(load=lambda *args: None)
    jsii.python = types.SimpleNamespace(classproperty=ClassProperty)
    # A class of its own each time: an interface of two others has the proxies of both for bases.
    jsii.proxy_for = lambda cls: AnyClass("Proxy", (Anything,), {})
    jsii.data_type = jsii.implements = jsii.interface = jsii.member = jsii.enum = decorator
    for kind in ("create", "get", "set", "invoke", "sget", "sinvoke"):
        setattr(jsii, kind, record(kind))
    checking = types.ModuleType("jsii._type_checking")
    checking.cached_type_hints = checking.check_type = None
    publication = types.ModuleType("publication")
    publication.publish = lambda: None
    extensions = types.ModuleType("typing_extensions")
    extensions.Protocol = type("Protocol", (), {"__protocol_attrs__": frozenset()})
    sys.modules.update({
        "jsii": jsii, "jsii._type_checking": checking, "publication": publication, "typing_extensions": extensions,
    })


stand_in_for_jsii()
sys.meta_path.insert(0, StandIns())
sys.path.insert(0, sys.argv[1])
runpy.run_path(sys.argv[2], run_name="__main__")
print(json.dumps(asked))
