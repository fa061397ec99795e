// Replaces npm `debug` in the functions. mqtt-packet calls it for every byte it parses, it is never
// enabled in Lambda, and it adds 10 KB and a look-up of the terminal.
const noop = () => {};
noop.enabled = false;
module.exports = () => noop;
