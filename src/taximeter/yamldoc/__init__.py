"""YAML with limits: plain values, the place of each in the file, and one clear problem for each trap of the language.

The values are those of YAML 1.2 (`1e-6` is a number, `no` is text). What readers of YAML disagree about (`010`, keys
that stand twice) and what can explode (aliases, deep nesting) is refused. JSON is read by the same rules.
"""

from taximeter.yamldoc.document import Document, KeyPath, Value, show
from taximeter.yamldoc.overlay import Overlaid
from taximeter.yamldoc.reader import load, load_in_part, parse
from taximeter.yamldoc.scalars import scalar

__all__ = ["Document", "KeyPath", "Overlaid", "Value", "load", "load_in_part", "parse", "scalar", "show"]
