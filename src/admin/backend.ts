import type { Snapshot } from '../model/snapshot.ts';
import type { CountsDocument, ObjectsDocument, ObjectsWrite, ProfilesDocument, StatusDocument } from './contract.ts';

/** What the admin API asks of the program. A `Refusal` that a method throws becomes the answer. */
export interface AdminBackend {
  readiness(): Readiness;
  /** Text in the Prometheus format. */
  metrics(): string;
  status(): StatusDocument;
  objects(): ObjectsDocument;
  write(write: ObjectsWrite): Promise<ObjectsDocument>;
  counts(): CountsDocument;
  profiles(): ProfilesDocument;
  /** Null before the first one. */
  snapshot(): Snapshot | null;
  logLevel(): string;
  /** False: there is no such level. */
  setLogLevel(level: string): boolean;
  reload(): Promise<void>;
}

export interface Readiness {
  readonly ready: boolean;
  /** Why not, or what is wrong although it is ready. Short words without names of files: anybody may read them. */
  readonly reasons: readonly string[];
  /** With names and places, for the owner. */
  readonly details: readonly string[];
}
