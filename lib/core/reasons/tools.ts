import type { Reason } from './reason.ts';

/** Failures of the command `wisp`, the local runtime and the bridge. */
export const toolReasons = {
  usage: {
    message: 'an option of the command is not valid, or does not fit the others',
    remedy: 'See --help of the command.',
  },
  'no-service': {
    message: 'no local service of this user is running',
    remedy: 'Start one with "wisp start", or select a deployment with --stack.',
  },
  'several-services': {
    message: 'this user runs several local services',
    remedy: 'Select one by the port of its gateway: --local-port, or WISP_LOCAL_PORT.',
  },
  'doctor-failed': {
    message: 'a check of the deployment failed',
    remedy: 'Do what the line of the failed check says, then run "wisp doctor" again.',
  },
  'sub-refused': {
    message:
      'the service does not accept the client of "wisp sub", "wisp tail" or "wisp trace", or one of its filters',
    remedy: 'Do what the message says; "wisp token check" says what a token permits.',
  },
  'sub-unreachable': {
    message: '"wisp sub", "wisp tail" or "wisp trace" cannot connect to the service',
    remedy: 'Check the URL in the message and the network; "wisp doctor" checks a deployment.',
  },
  'no-edge': {
    message: 'the deployment has no part for edges',
    remedy: 'Deploy it with -c edge=external for edges of your own, or with -c edge=on (docs/edge.md).',
  },
  'no-admin-api': {
    message: 'the deployment does not tell where its admin API is',
    remedy: 'Select the deployment with --stack instead of --tenants-table.',
  },
  'admin-api-silent': {
    message: 'the admin API does not answer',
    remedy: 'Check that the service is running, and the network between.',
  },
  'admin-api': {
    message: 'the admin API answers with an error that has no known code',
    remedy: 'Read the status in the message: 403 means that the credentials may not call the API.',
  },
  'region-missing': {
    message: 'no AWS region is given',
    remedy: 'Use --region or set AWS_REGION.',
  },
  'stack-unknown': {
    message: 'the CloudFormation stack is not a stack of Wisp',
    remedy: 'Check --stack, --region and the AWS account.',
  },
  'file-unreadable': {
    message: 'a file cannot be read, or is not what the option expects',
    remedy: 'Check the path that the message names.',
  },
  'issuer-options': {
    message: 'the options do not describe an issuer',
    remedy: 'Correct the option that the message names: "wisp issuer add --help".',
  },
  'keys-required': {
    message: 'the JWKS URL yields no key that can verify tokens',
    remedy: 'Correct --jwks-url, or add the issuer without --require-keys and let the provider follow.',
  },
  'key-exists': {
    http: 409,
    message: 'the key file exists and is not overwritten',
    remedy: 'Move the file away first.',
  },
  'key-missing': {
    http: 404,
    message: 'the private key of the tenant is not on this machine',
    remedy: 'Name the key file with --key, or mint tokens where the tenant was created.',
  },
  'key-unreadable': {
    message: 'the key file cannot be read',
    remedy: 'Check the permissions of the file.',
  },
  'key-malformed': {
    message: 'the key file is not a private key that "wisp tenant create" wrote, nor P-256 in PEM',
    remedy: 'Name the right file, or create a new key and add its public half to the tenant.',
  },
  'not-confirmed': {
    message: 'the question was not answered with yes',
    remedy: 'Use --yes to go on without a question.',
  },
  'port-in-use': {
    message: 'the port is in use',
    remedy: 'Stop the other process, or choose another port.',
  },
  'port-forbidden': {
    message: 'this user may not listen on the port',
    remedy: 'Choose a port above 1023.',
  },
  'host-unavailable': {
    message: 'the host is not an address of this machine',
    remedy: 'Correct --host.',
  },
  'data-unusable': {
    message: 'the data directory cannot be used',
    remedy: 'Correct --data: it must be a directory that this user may write.',
  },
  'data-locked': {
    message: 'another process uses the data directory',
    remedy: 'Stop the other "wisp start", or choose another directory with --data.',
  },
  closed: {
    message: 'the local runtime is shutting down',
    remedy: 'Start it again.',
  },
  deployed: {
    message: 'the deployment in the emulator is not complete',
    remedy: 'Deploy again: "npm run deploy:local" (docs/localstack.md).',
  },
  emulator: {
    message: 'the AWS emulator cannot be used',
    remedy: 'Check AWS_ENDPOINT_URL and that the emulator is running (docs/localstack.md).',
  },
  'not-mqtt': {
    message: 'the first byte of a connection to the bridge does not begin a CONNECT',
    remedy: 'Point only MQTT clients at the port; health checks and scanners cause this too.',
  },
  'tls-on-plain-port': {
    message: 'a client speaks TLS at a port of the bridge for MQTT without TLS',
    remedy: 'Point the client at the TLS port (usually 8883), or switch TLS off in the client.',
  },
  'tls-failed': {
    message: 'the TLS handshake with a client of the bridge failed',
    remedy:
      'Read the error in the log: WRONG_VERSION_NUMBER is a client without TLS, UNKNOWN_CA one that lacks the CA.',
  },
  'certificate-refused': {
    message: 'the bridge does not accept the certificate of a client',
    remedy:
      'Read the error in the log: CERT_HAS_EXPIRED, CERT_REVOKED, NO_CERTIFICATE, or what its subject lacks (docs/bridge.md).',
  },
  'certificate-unusable': {
    message: 'a file with a certificate, key or list of revoked certificates cannot be used',
    remedy: 'Correct the file that the message names; a running bridge goes on with the old ones.',
  },
  'connect-late': {
    message: 'a client has not sent CONNECT in time',
    remedy: 'Send CONNECT at once; health checks and scanners that only connect cause this too.',
  },
  'upstream-refused': {
    message: 'the bridge could not open a connection to the service for a client',
    remedy:
      'Read the log: status 401 and 403 are about the token, 429 about quotas; without a status, check URL and network.',
  },
  'upstream-lost': {
    message: 'the connection of the bridge to the service broke, or the service did not answer',
    remedy:
      'The client reconnects. If it repeats, look at the close code (docs/wire.md) and the logs of the service.',
  },
  'bridge-full': {
    message: 'the bridge has as many connections as it accepts',
    remedy: 'Run another bridge: bridges keep no state.',
  },
  'address-full': {
    message: 'a client address has as many connections to the bridge as it may have',
    remedy: 'Raise --max-connections-per-address if many clients share the address, as behind a proxy.',
  },
  'tls-rate': {
    message: 'a client address begins more TLS handshakes in a second than it may',
    remedy:
      'Have clients pause longer and longer before they connect again; raise --tls-handshakes-per-second if many share the address.',
  },
  'slow-client': {
    message: 'a client of the bridge does not read what it is sent',
    remedy: 'Have the client read faster, or subscribe to less.',
  },
  'buffers-full': {
    message: 'a client held more of the memory for messages that wait than is left of it',
    remedy:
      'Look for clients that do not read, or never end a packet; raise --buffer-megabytes where the process has more memory.',
  },
  'text-frame': {
    message: 'a client of the bridge sent WebSocket text instead of binary frames',
    remedy: 'Send MQTT in binary frames, or use the wire profile at the WebSocket API.',
  },
  'adapter-at-bridge': {
    message: 'a client with the adapter connects to the WebSocket port of a bridge or an edge',
    remedy:
      'Give wisp-mqtt-client the URL of the gateway (WebSocketUrl of the stack), or connect to this port without the adapter.',
  },
  'mqtt-at-gateway': {
    message: 'an MQTT client over TCP connects to the port of the local gateway, which speaks WebSocket',
    remedy: 'Connect it to the port of the bridge, 1883 unless "wisp start" says another.',
  },
  'handshake-refused': {
    message: 'the bridge refused a WebSocket handshake',
    remedy: 'Read the HTTP status in the log: 401 and 403 are about the token, 502 about the service behind.',
  },
  'client-message-not-sent': {
    message: 'the client is offline or cannot be reached, and a message at QoS 0 does not wait',
    remedy: 'Send it with --qos 1: it waits while the client is offline.',
  },
  'client-message-unconfirmed': {
    message: 'the client has not acknowledged the message, which still waits or has been dropped',
    remedy: 'Look at the client: "wisp client show". To ask again, repeat the command with the same --id.',
  },
  cdk: {
    message: 'synthesising the stack failed',
    remedy: 'Read the output above this line.',
  },
} as const satisfies Readonly<Record<string, Reason>>;
