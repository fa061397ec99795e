/** Subscribes to `chat/#`, shows what arrives, and publishes to `chat/browser`. */
import mqtt from 'mqtt';
import { createWebsocket } from 'wisp-mqtt-client';

const login = document.querySelector('#login');
const publish = document.querySelector('#publish');
const state = document.querySelector('#state');
const messages = document.querySelector('#messages');
let client;

login.addEventListener('submit', (event) => {
  event.preventDefault();
  const { url, tenant, token } = Object.fromEntries(new FormData(login));
  client?.end();
  client = mqtt.connect(url, {
    username: tenant,
    password: token,
    protocolVersion: 5,
    createWebsocket,
  });
  client.on('connect', () => client.subscribe('chat/#', { qos: 1 }, () => show('connected')));
  client.on('close', () => show('not connected'));
  client.on('error', ({ message }) => show(message));
  client.on('message', (topic, payload) => {
    const item = document.createElement('li');
    item.textContent = `${topic}: ${payload}`;
    messages.append(item);
  });
});

publish.addEventListener('submit', (event) => {
  event.preventDefault();
  client?.publish('chat/browser', new FormData(publish).get('text'), { qos: 1 });
  publish.reset();
});

function show(text) {
  state.textContent = text;
}
