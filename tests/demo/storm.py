"""Many commands at once, each with an id, half of them with a response topic; and the agents of their servers, which come up."""

import json
import threading

from process import went_on

ANSWERS = "hall/answers/storm"


def bare(broker, count):
    """Seconds that so many messages take through the broker alone, with clients such as ours."""
    heard, every = [], threading.Event()

    def hear(message):
        heard.append(message.json())
        if len(heard) == count:
            every.set()

    watcher, sender = broker.bus("operator", topics=(ANSWERS,), hear=hear), broker.bus("hall", topics=())
    sender.client.max_inflight_messages_set(count)
    began = went_on()
    for number in range(count):
        sender.client.publish(ANSWERS, json.dumps({"id": f"bare-{number}", "outcome": "done"}), qos=1)
    every.wait(60)
    took = went_on() - began
    for bus in (watcher, sender):
        bus.close()
    return took


class Storm:
    """One command for each of these servers. They need nothing but the word of their agent."""

    def __init__(self, broker, servers):
        self.servers, self.ids = servers, {f"storm-{number}": server for number, server in enumerate(servers)}
        self.routed = set(list(self.ids)[::2])
        self.said = {id: [] for id in self.ids}      # outcomes on the result topic, with the time each came
        self.responded = {id: [] for id in self.ids} # and on the response topic
        self.began = None
        self._missing = 2 * (len(self.ids) + len(self.routed))
        self._all = threading.Event()
        self.watcher = broker.bus("operator", topics=("hall/servers/+/result", ANSWERS), hear=self._hear)
        self.asker, self.agents = broker.bus("operator", topics=()), broker.bus("hall", topics=())
        for bus in (self.asker, self.agents):
            bus.client.max_inflight_messages_set(len(servers))

    def _hear(self, message):
        answer = message.json()
        if answer["id"] not in self.ids:
            return
        (self.responded if message.topic == ANSWERS else self.said)[answer["id"]].append((answer["outcome"], went_on()))
        self._missing -= 1
        if self._missing == 0:
            self._all.set()

    def _send(self, bus, topic, payload, response=None):
        """Without waiting until the broker has it."""
        properties = None
        if response:
            from paho.mqtt.packettypes import PacketTypes
            from paho.mqtt.properties import Properties

            properties = Properties(PacketTypes.PUBLISH)
            properties.ResponseTopic = response
        return bus.client.publish(topic, payload, qos=1, properties=properties)

    def run(self, limit):
        """Seconds from the first command to the last answer, and to the last end; waits so long for all."""
        began = self.began = went_on()
        for id, server in self.ids.items():
            self._send(self.asker, f"hall/servers/{server}/command", f'{{"action":"wake","id":"{id}","by":"storm"}}',
                       ANSWERS if id in self.routed else None)
        for server in self.servers:
            self._send(self.agents, f"hall/agents/{server}/state", "online")
        self._all.wait(limit)
        time_of = [times for came in (self.said, self.responded) for times in came.values()]
        return tuple(max((times[n][1] for times in time_of if len(times) > n), default=float("inf")) - began for n in (0, 1))

    def wrong(self):
        """What was not answered once and ended once, wherever it is awaited."""
        right = ["accepted", "done"]
        return {id: [[o for o, _ in self.said[id]], [o for o, _ in self.responded[id]]] for id in self.ids
                if [o for o, _ in self.said[id]] != right
                or [o for o, _ in self.responded[id]] != (right if id in self.routed else [])}

    def answered(self, n):
        """Commands with at least so many answers everywhere they are awaited."""
        return sum(len(self.said[id]) >= n and (id not in self.routed or len(self.responded[id]) >= n) for id in self.ids)

    def answered_within(self, seconds):
        """Commands whose first answer was there by then, everywhere it is awaited."""
        def in_time(came):
            return bool(came) and came[0][1] - self.began <= seconds

        return sum(in_time(self.said[id]) and (id not in self.routed or in_time(self.responded[id])) for id in self.ids)

    def close(self):
        for bus in (self.watcher, self.asker, self.agents):
            bus.close()
