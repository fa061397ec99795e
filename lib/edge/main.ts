/**
 * What a task of the edge runs (build/edge.ts): reads the environment, starts the edge, and drains
 * it on SIGTERM.
 */
throw new Error('this version has no edge that runs by itself');
