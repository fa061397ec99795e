/** Constants of the wire profile `wisp.b64.v1`; docs/wire.md gives the reasons. */

/** WebSocket subprotocol that names the profile: the client offers it, the server echoes it. */
export const subprotocol = 'wisp.b64.v1';

/**
 * Raw (decoded) bytes per text message. 24,000 bytes are 32,000 characters: below API Gateway's 32
 * KB frame.
 */
export const maxFrameBytes = 24_000;

/** Characters of base64 for {@link maxFrameBytes}. */
export const maxBase64Length = 32_000;

/**
 * Whole MQTT packet, fixed header included: what MQTT 5.0 calls Maximum Packet Size (3.2.2.3.6).
 */
export const maxPacketBytes = 131_072;

/** Chunks of the largest packet: ⌈131,072 / 24,000⌉. */
export const maxChunkCount = 6;

/** Incomplete packets that a receiver holds per connection. */
export const maxUnfinishedPackets = 16;

/**
 * How long a client waits for the reply that completes its frame; API Gateway's integrations end
 * after 29 s.
 */
export const replyTimeoutMs = 35_000;

/**
 * Silence after which a client sends a heartbeat; API Gateway closes idle connections after 600 s.
 */
export const heartbeatMs = 540_000;

/**
 * Pause after a one-way frame, so that its invocation ends before the next begins. About ten times
 * the duration of an invocation (three round trips), and enough for a cold start.
 */
export const spacingMs = 500;

/**
 * Pause after a one-way frame of acknowledgements only, in which further ones are collected. About
 * the round trip of a busy function: a subscriber with acknowledgements to send at that pace does
 * better with frames that have replies.
 */
export const acknowledgementPauseMs = 100;

/**
 * Maximum of consecutive one-way frames. The next frame is acknowledged, so that the client detects
 * a dead server.
 */
export const maxOneWayFrames = 31;

/** First bytes of the server packets that a client of the profile must recognise. */
export const connackByte = 0x20;
export const pubrelByte = 0x62;
export const pingrespByte = 0xd0;

/** First bytes of the client packets that a client of the profile must recognise. */
export const subscribeByte = 0x82;
export const connectByte = 0x10;
export const pubackByte = 0x40;
export const pubcompByte = 0x70;
export const pingreqByte = 0xc0;
export const disconnectByte = 0xe0;

/** Packets in a frame: a full window of 1,000 messages and as many acknowledgements. */
export const maxFramePackets = 2_000;

/**
 * Filters in all SUBSCRIBE and UNSUBSCRIBE packets of a frame together: as many as one client may
 * subscribe to, so that one packet of a stock client may hold them all.
 */
export const maxFrameFilters = 1_000;

/**
 * How a client keeps to {@link maxFrameFilters} and {@link maxFramePackets} without reading
 * packets: bytes of SUBSCRIBE and UNSUBSCRIBE, of which a filter takes at least three, and
 * {@link packetWork} for each other packet. One packet alone may be larger.
 */
export const maxFrameWork = 3_000;
/** {@link maxFrameWork} ÷ {@link maxFramePackets} */
export const packetWork = 1.5;

// Close codes that a client of the profile uses. Single constants, so that a bundler inlines the
// numbers.

/** The gateway answered a frame with its error JSON: whether the frame was processed is unknown. */
export const gatewayErrorCloseCode = 4000;
/** No reply within {@link replyTimeoutMs}. */
export const replyTimeoutCloseCode = 4001;
/** The server sent something outside the profile. */
export const badServerFrameCloseCode = 4002;
/**
 * The MQTT library wrote an unsendable packet: malformed length, or more than {@link
 * maxPacketBytes}.
 */
export const badPacketCloseCode = 4003;
/** A bridge or an edge, whose ports do not speak the profile, tells a client of it so. */
export const wrongPortCloseCode = 4004;
