export { measure } from './operations.ts';
