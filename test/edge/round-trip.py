"""Sends itself a message at each QoS over TLS with Paho: TRANSPORT PORT CA ID USER PASSWORD [CERT KEY]."""

import os
import sys

import paho.mqtt.client as mqtt

transport, port, authority, client_id, user, password, *certificate = sys.argv[1:]
topic = f"devices/{client_id}"
arrived = []


def fail(text):
    print(f"refused: {text}", file=sys.stderr, flush=True)
    os._exit(1)


def on_connect(client, userdata, flags, reason_code, properties):
    if reason_code.is_failure:
        fail(reason_code)
    client.subscribe(topic, qos=2)


def on_subscribe(client, userdata, mid, reason_codes, properties):
    for qos in range(3):
        client.publish(topic, f"{qos}", qos=qos)


def on_message(client, userdata, message):
    arrived.append(message.payload.decode())
    if len(arrived) == 3:
        client.disconnect()


def on_disconnect(client, userdata, flags, reason_code, properties):
    if len(arrived) < 3:
        fail(reason_code)


client = mqtt.Client(
    mqtt.CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv5, transport=transport
)
client.tls_set(authority, *certificate)
client.username_pw_set(user, password)
if transport == "websockets":
    client.ws_set_options(path="/mqtt")
client.on_connect = on_connect
client.on_subscribe = on_subscribe
client.on_message = on_message
client.on_disconnect = on_disconnect
try:
    client.connect("localhost", port=int(port))
except OSError as error:
    fail(error)
client.loop_forever(retry_first_connection=False)
print(" ".join(sorted(arrived)))
