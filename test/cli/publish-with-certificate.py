"""Publishes one message at QoS 1 over TLS with Paho: PORT CA ID TOPIC [CERT KEY]."""

import os
import sys

import paho.mqtt.client as mqtt

port, authority, client_id, topic, *certificate = sys.argv[1:]


def fail(text):
    print(f"refused: {text}", file=sys.stderr, flush=True)
    os._exit(1)


def on_connect(client, userdata, flags, reason_code, properties):
    if reason_code.is_failure:
        fail(reason_code)
    client.publish(topic, "hi", qos=1)


def on_publish(client, userdata, mid, reason_code, properties):
    if reason_code.is_failure:
        fail(reason_code)
    client.disconnect()


def on_disconnect(client, userdata, flags, reason_code, properties):
    if reason_code.is_failure:
        fail(reason_code)


client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv5)
client.tls_set(authority, *certificate)
client.on_connect = on_connect
client.on_publish = on_publish
client.on_disconnect = on_disconnect
try:
    client.connect("localhost", port=int(port))
except OSError as error:
    fail(error)
client.loop_forever(retry_first_connection=False)
