/** What tcpvsadm works on: a server behind its admin socket, or the objects of a cluster. Both reject with AdminError. */
import type { ApiObject, CountsDocument, ObjectsWrite, StatusDocument } from '../admin/contract.ts';

export interface TableServer {
  objects(): Promise<{ readonly objects: readonly ApiObject[] }>;
  counts(): Promise<CountsDocument>;
  status(): Promise<StatusDocument>;
  /**
   * Reads the objects, asks what is to change, writes it; again where somebody else has written in between. Nothing is
   * written where nothing is to change.
   */
  change<T extends Pick<ObjectsWrite, 'apply' | 'delete'>>(compute: (objects: readonly ApiObject[]) => T): Promise<T>;
}

/** Others may write between our reading and our writing. */
export const ATTEMPTS = 8;
