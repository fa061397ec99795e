import type { BackDoor } from '../../lib/edge/index.ts';

/** A back door that nobody uses: an edge without others. */
export const noBackDoor: BackDoor = {
  isServing: () => true,
  untilServing: async () => true,
  useBlock: async () => {},
  freeBlock: async () => {},
  close: async () => {},
};
