"""Home Assistant's side of discovery: what it takes and refuses, and what it makes of messages. Written from its
documentation, apart from the code that writes the payloads."""

import json
import math
import re
from datetime import datetime

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

TOP = {"device", "origin", "components", "availability", "availability_mode", "state_topic", "command_topic", "qos", "encoding"}
DEVICE = {"identifiers", "connections", "name", "manufacturer", "model", "model_id", "serial_number", "sw_version", "hw_version",
          "via_device", "suggested_area", "configuration_url"}
ORIGIN = {"name", "sw_version", "support_url"}
AVAILABILITY = {"topic", "payload_available", "payload_not_available", "value_template"}
# default_entity_id since 2025.10, message_expiry_interval since 2026.6: older ones pass over them in a component.
ENTITY = {"platform", "unique_id", "name", "default_entity_id", "message_expiry_interval", "icon", "entity_category",
          "enabled_by_default", "availability", "availability_mode", "json_attributes_topic", "json_attributes_template", "qos",
          "encoding"}
READS = {"state_topic", "value_template"}
WRITES = {"command_topic", "command_template", "optimistic"}
# Platform: what it needs, what it may have beside.
PLATFORMS = {
    "sensor": ({"state_topic"}, {"value_template", "device_class", "state_class", "unit_of_measurement", "options",
                                 "suggested_display_precision", "force_update"}),
    "binary_sensor": ({"state_topic"}, {"value_template", "device_class", "payload_on", "payload_off", "off_delay"}),
    "switch": ({"command_topic"}, READS | WRITES | {"payload_on", "payload_off", "state_on", "state_off", "device_class"}),
    "button": ({"command_topic"}, {"command_template", "payload_press", "device_class"}),
    "select": ({"command_topic", "options"}, READS | WRITES),
    "number": ({"command_topic"}, READS | WRITES | {"min", "max", "step", "mode", "unit_of_measurement", "device_class"}),
    "event": ({"state_topic", "event_types"}, {"value_template", "device_class"}),
}
CLASSES = {
    "sensor": {"enum", "timestamp", "duration", "energy", "power"},
    "binary_sensor": {"connectivity", "running", "problem", "power", "update"},
    "switch": {"outlet", "switch"},
    "button": {"identify", "restart", "update"},
    "number": {"duration"},
    "event": {"doorbell", "button", "motion"},
}
UNITS = {"duration": {"d", "h", "min", "s", "ms"}, "energy": {"Wh", "kWh", "MWh"}, "power": {"W", "kW"}}
STATE_CLASSES = {"duration": {"measurement", "total", "total_increasing"}, "energy": {"total", "total_increasing"},
                 "timestamp": set(), "enum": set()}
CATEGORIES = {"sensor": {"diagnostic"}, "binary_sensor": {"diagnostic"}, "event": {"diagnostic"}}
TOPIC = re.compile(r"device/(?:[a-zA-Z0-9_-]+/)?[a-zA-Z0-9_-]+/config")
ENTITY_ID = re.compile(r"^(?!.+__)(?!_)[\da-z_]+(?<!_)\.(?!_)[\da-z_]+(?<!_)$")
LOST_ATTRIBUTES = {"state", "icon", "available", "device_class", "entity_id", "friendly_name", "unit_of_measurement"}


class Rejected(Exception):
    """What Home Assistant would say no to, or show wrongly."""


def need(condition, words):
    if not condition:
        raise Rejected(words)


def keys_within(value, allowed, where):
    need(isinstance(value, dict), f"{where} is no object")
    need(set(value) <= allowed, f"{where}: unknown keys {sorted(set(value) - allowed)}")


# Templates


def make_environment():
    def rounded(value, precision=0, method="common"):
        power = 10 ** precision
        value = float(value)
        value = {"ceil": math.ceil(value * power) / power, "floor": math.floor(value * power) / power,
                 "common": round(value, precision)}[method]
        return int(value) if precision == 0 else value

    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)  # a missing key is an error in the log for ever
    environment.filters["round"] = rounded
    return environment


ENVIRONMENT = make_environment()


def render(template, payload):
    if template is None:
        return payload
    variables = {"value": payload}
    try:
        variables["value_json"] = json.loads(payload)
    except ValueError:
        pass
    return ENVIRONMENT.from_string(template).render(variables).strip()


# Payloads


def check_topic_name(topic, where):
    need(isinstance(topic, str) and topic and not re.search(r"[+#\0]", topic), f"{where}: {topic!r} is no topic")


def check_availability(items, mode, where):
    need(isinstance(items, list) and items, f"{where}: availability is no list")
    for item in items:
        keys_within(item, AVAILABILITY, where)
        check_topic_name(item.get("topic"), where)
        if "value_template" in item:
            ENVIRONMENT.from_string(item["value_template"])
    need(len(items) == 1 or mode == "all", f"{where}: several topics want mode all")
    need(mode in ("all", "any", "latest"), f"{where}: mode {mode}")


def check_device(device):
    keys_within(device, DEVICE, "device")
    need(device.get("identifiers") or device.get("connections"), "device: no identifier")
    for key, value in device.items():
        need(value not in (None, "", []), f"device: {key} is empty")
    if "configuration_url" in device:
        need(re.match(r"https?://[^/]+", device["configuration_url"]), "device: configuration_url")


def check_class(key, entity):
    platform, device_class = entity["platform"], entity.get("device_class")
    unit, state_class = entity.get("unit_of_measurement"), entity.get("state_class")
    if device_class is not None:
        need(device_class in CLASSES.get(platform, set()), f"{key}: device class {device_class}")
        need(device_class not in UNITS or unit in UNITS[device_class], f"{key}: unit {unit}")
    if platform == "sensor":
        need((device_class == "enum") == ("options" in entity), f"{key}: enum and options go together")
        need(device_class not in ("enum", "timestamp") or unit is None, f"{key}: a unit")
        need(state_class in (None, "measurement", "total", "total_increasing"), f"{key}: state class")
        need(state_class is None or state_class in STATE_CLASSES.get(device_class, {state_class}), f"{key}: state class")


def check_entity(key, entity, device_name):
    platform = entity.get("platform")
    need(platform in PLATFORMS, f"{key}: platform {platform}")
    required, more = PLATFORMS[platform]
    keys_within(entity, ENTITY | required | more, key)
    need(required <= set(entity), f"{key}: {sorted(required - set(entity))} missing")
    need(entity.get("unique_id"), f"{key}: no unique_id")
    need("name" in entity, f"{key}: no name")
    name = entity["name"]
    need(name is None or (name and device_name.lower() not in name.lower()), f"{key}: {name!r} repeats the device's name")
    need(name is None or name[0] == name[0].upper(), f"{key}: {name!r} is not sentence case")
    need(entity.get("entity_category") in CATEGORIES.get(platform, {"config", "diagnostic"}) | {None}, f"{key}: category")
    need("retain" not in entity and "expire_after" not in entity, f"{key}: a trap")
    for topic in ("state_topic", "command_topic", "json_attributes_topic"):
        if topic in entity:
            check_topic_name(entity[topic], key)
    for template in ("value_template", "json_attributes_template", "command_template"):
        if template in entity:
            ENVIRONMENT.from_string(entity[template])
    for words in ("options", "event_types"):
        if words in entity:
            need(entity[words] and len(set(entity[words])) == len(entity[words]), f"{key}: {words}")
    if "default_entity_id" in entity:
        need(ENTITY_ID.match(entity["default_entity_id"]), f"{key}: {entity['default_entity_id']}")
        need(entity["default_entity_id"].split(".")[0] == platform, f"{key}: entity id of another platform")
    if platform == "number":
        need(entity["min"] < entity["max"] and entity["step"] > 0 and entity.get("mode", "auto") in ("auto", "box", "slider"), key)
    if "availability" in entity:
        check_availability(entity["availability"], entity.get("availability_mode", "latest"), key)
    check_class(key, entity)


def check_config(topic, payload, prefix="homeassistant"):
    """The device and its entities; Rejected says why Home Assistant would not have them."""
    need(topic.startswith(prefix + "/") and TOPIC.fullmatch(topic[len(prefix) + 1:]), f"topic {topic}")
    config = json.loads(payload, object_pairs_hook=no_twice)
    keys_within(config, TOP, "top level")
    need({"device", "origin", "components"} <= set(config), "something is missing at the top level")
    check_device(config["device"])
    keys_within(config["origin"], ORIGIN, "origin")
    need(config["origin"].get("name"), "origin: no name")
    need(config.get("qos", 0) in (0, 1), "qos")
    if "availability" in config:
        check_availability(config["availability"], config.get("availability_mode", "latest"), "top level")
    need(config["components"], "no components")
    entities = {}
    for key, component in config["components"].items():
        need(re.fullmatch(r"[a-zA-Z0-9_-]+", key), f"component key {key!r}")
        if set(component) == {"platform"}:
            need(component["platform"] in PLATFORMS, key)
            continue  # it is being removed
        check_entity(key, component, config["device"]["name"])
        shared = {k: v for k, v in config.items() if k in ("availability", "availability_mode", "qos", "encoding")}
        entities[key] = Entity(key, {**shared, **component})
    return config["device"], entities


def no_twice(pairs):
    need(len(dict(pairs)) == len(pairs), "a key twice")
    return dict(pairs)


# What Home Assistant makes of messages


class Entity:
    def __init__(self, key, config):
        self.key, self.config, self.platform = key, config, config["platform"]

    def state(self, payload):
        """The state after this message; None is "unknown"."""
        if self.platform == "event":
            return self._event(payload)
        text = render(self.config.get("value_template"), payload)
        if self.platform in ("binary_sensor", "switch"):
            return self._switch(text)
        if text == "None":
            return None
        return self._value(text)

    def _switch(self, text):
        on = self.config.get("state_on", self.config.get("payload_on", "ON"))
        off = self.config.get("state_off", self.config.get("payload_off", "OFF"))
        need(text in (on, off, "None"), f"{self.key}: {text!r} is neither {on} nor {off}")
        return None if text == "None" else text == on

    def _event(self, payload):
        return self.event(payload)["event_type"]

    def event(self, payload):
        """An event with its attributes."""
        event = json.loads(render(self.config.get("value_template"), payload))
        need(event["event_type"] in self.config["event_types"], f"{self.key}: {event['event_type']}")
        return event

    def _value(self, text):
        config = self.config
        need(len(text) <= 255, f"{self.key}: a state of {len(text)} characters")
        if "options" in config:
            need(text in config["options"], f"{self.key}: {text!r} is no option")
        if config.get("device_class") == "timestamp":
            value = datetime.fromisoformat(text.replace("Z", "+00:00"))
            need(value.tzinfo is not None, f"{self.key}: {text} has no zone")
            return value
        if self.platform == "number" or "unit_of_measurement" in config or "state_class" in config:
            value = float(text)
            need(self.platform != "number" or config["min"] <= value <= config["max"], f"{self.key}: {text} is out of range")
            return value
        return text

    def attributes(self, payload):
        found = json.loads(render(self.config.get("json_attributes_template"), payload))
        need(isinstance(found, dict), f"{self.key}: attributes are no object")
        need(not LOST_ATTRIBUTES & set(found), f"{self.key}: attributes vanish: {LOST_ATTRIBUTES & set(found)}")
        need(len(json.dumps(found)) < 16384, f"{self.key}: attributes too large for the recorder")
        return found

    def is_available(self, heard):
        """heard: the last payload of each topic."""
        def says(item):
            if item["topic"] not in heard:
                return False
            text = render(item.get("value_template"), heard[item["topic"]])
            return text == item.get("payload_available", "online")

        return all(says(item) for item in self.config.get("availability", []))

    def commands(self):
        """Every payload a person can make it send, as (what, payload)."""
        config, template = self.config, self.config.get("command_template")
        values = {
            "switch": lambda: [config.get("payload_on", "ON"), config.get("payload_off", "OFF")],
            "button": lambda: [config.get("payload_press", "PRESS")],
            "select": lambda: config["options"],
            "number": lambda: [str(config["min"]), str(config["max"]), str(config["min"] + config["step"])],
        }.get(self.platform, list)()
        return [(value, render(template, value)) for value in values]
