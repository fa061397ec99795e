"""Publishes a temperature at QoS 1 and prints what it receives, with stock Paho over the bridge."""

import json
import os
import random
import sys

import paho.mqtt.client as mqtt

host = os.environ.get("WISP_HOST", "127.0.0.1")
port = int(os.environ.get("WISP_PORT", "1883"))
name = sys.argv[1] if len(sys.argv) > 1 else "python-1"
topic = f"sensors/{name}/temperature"


def on_connect(client, userdata, flags, reason_code, properties):
    if reason_code.is_failure:
        sys.exit(f"refused: {reason_code}")
    client.subscribe(topic, qos=1)


def on_subscribe(client, userdata, mid, reason_codes, properties):
    celsius = round(random.uniform(20, 22), 1)
    client.publish(topic, json.dumps({"celsius": celsius}), qos=1)


def on_message(client, userdata, message):
    print(f"{message.topic} {message.payload.decode()}", flush=True)
    client.disconnect()


client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv5)
client.username_pw_set(os.environ.get("WISP_TENANT", "demo"), os.environ["WISP_TOKEN"])
client.on_connect = on_connect
client.on_subscribe = on_subscribe
client.on_message = on_message
client.connect(host, port, keepalive=60)
client.loop_forever(retry_first_connection=False)
