"""The MQTT bus as a client sees it: one connection that remembers what it heard and waits for what is to come."""

import json
import threading
import time

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from process import Patience


def make_client(client_id):
    """An MQTT 5 client with either generation of paho (1.6 in Debian 12, 2.1 in Debian 13)."""
    words = {"client_id": client_id, "protocol": mqtt.MQTTv5}
    if hasattr(mqtt, "CallbackAPIVersion"):
        words["callback_api_version"] = mqtt.CallbackAPIVersion.VERSION2
    return mqtt.Client(**words)


class Message:
    def __init__(self, raw):
        self.at = time.monotonic()
        self.wall = time.time()
        self.topic = raw.topic
        self.payload = raw.payload
        self.retained = bool(raw.retain)
        self.properties = raw.properties

    def text(self):
        return self.payload.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.payload)

    def __repr__(self):
        return f"<{self.topic} {self.text()[:120]!r}{' retained' if self.retained else ''}>"


class Bus:
    """Connects at once or raises. Remembers every message in order."""

    def __init__(self, host, port, user, password, topics=("hall/#",), hear=None, client_id=""):
        self.messages = []
        self._hear = hear
        self._changed = threading.Condition()
        self._topics = list(topics)
        self._subscribed = threading.Event()
        self._refused = None
        self.client = make_client(client_id)
        self.client.username_pw_set(user, password)
        self.client.on_connect = self._on_connect
        self.client.on_subscribe = lambda *_: self._subscribed.set()
        self.client.on_message = self._on_message
        self.client.reconnect_delay_set(min_delay=1, max_delay=1)
        self.client.connect(host, port, keepalive=30)
        self.client.loop_start()
        if not self._subscribed.wait(60):
            self.close()
            raise OSError(f"broker {host}:{port} does not take user {user}: {self._refused}")

    def _on_connect(self, client, _userdata, _flags, reason, _properties=None):
        self._refused = reason
        if self._topics and str(reason) == "Success":
            client.subscribe([(t, mqtt.SubscribeOptions(qos=1)) for t in self._topics])
        elif str(reason) == "Success":
            self._subscribed.set()

    def _on_message(self, _client, _userdata, raw):
        message = Message(raw)
        if self._hear:
            self._hear(message)
        with self._changed:
            self.messages.append(message)
            self._changed.notify_all()

    def publish(self, topic, payload="", retain=False, qos=1, response=None, correlation=None, expiry=None):
        properties = Properties(PacketTypes.PUBLISH)
        if response is not None:
            properties.ResponseTopic = response
        if correlation is not None:
            properties.CorrelationData = correlation
        if expiry is not None:
            properties.MessageExpiryInterval = expiry
        if isinstance(payload, dict):
            payload = json.dumps(payload)
        self.client.publish(topic, payload, qos=qos, retain=retain, properties=properties).wait_for_publish(60)

    def hears(self, topic):
        """It has subscribed to it."""
        return any(mqtt.topic_matches_sub(pattern, topic) for pattern in self._topics)

    def mark(self):
        with self._changed:
            return len(self.messages)

    def heard(self, topic, after=0):
        with self._changed:
            return [m for m in self.messages[after:] if m.topic == topic]

    def last(self, topic):
        found = self.heard(topic)
        return found[-1] if found else None

    def wait(self, topic, where=None, after=0, limit=60.0, what=None):
        """The first message on that topic, from the mark on, for which where(message) holds."""
        patience = Patience(limit)
        with self._changed:
            while True:
                for message in self.messages[after:]:
                    if message.topic == topic and (where is None or where(message)):
                        return message
                left = patience.left()
                if left <= 0:
                    seen = [m for m in self.messages[after:] if m.topic == topic][-8:]
                    raise AssertionError(f"no {what or 'such message'} on {topic} within {limit} s; heard there: {seen}")
                self._changed.wait(min(left, Patience.AT_ONCE))

    def wait_text(self, topic, text, after=0, limit=60.0):
        return self.wait(topic, lambda m: m.text() == text, after, limit, what=repr(text))

    def wait_json(self, topic, after=0, limit=60.0, **wanted):
        def fits(message):
            try:
                value = message.json()
            except ValueError:
                return False
            return isinstance(value, dict) and all(value.get(k) == v for k, v in wanted.items())

        return self.wait(topic, fits, after, limit, what=repr(wanted))

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()
