import { hashContent } from '../model/content.ts';
import type { Keys } from './contract.ts';

/** By which both sides know whether they mean the same keys; it says nothing of them that helps to guess them. */
export const keysId = ({ cookies, tickets }: Keys): string => hashContent({ cookies, tickets });
