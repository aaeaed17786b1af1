import { join } from 'node:path';

/** A file of the configuration as messages name it: the path that was given, and the file below it. */
export function displayPath(config: string, file: string): string {
  return file === '' ? config : join(config, file);
}
