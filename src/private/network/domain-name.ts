import { isIP } from 'net';
import { domainToASCII } from 'url';
import { Token } from 'aws-cdk-lib';
import { ValidationError } from '../../validation-error';

const WILDCARD = '*.';
const MAX_LENGTH = 253;
const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/;

/** A name as the firewalls compare it: in lower case, in ASCII, without the last dot. Refuses what is none. A token passes. */
export function domainName(typed: string): string {
  if (Token.isUnresolved(typed)) return typed;
  const wildcard = typed.startsWith(WILDCARD) ? WILDCARD : '';
  const name = inAscii(typed.slice(wildcard.length)).toLowerCase().replace(/\.$/, '');
  const reason = whyNot(typed, name);
  if (reason === undefined) return `${wildcard}${name}`;
  throw new ValidationError(`domains: '${typed}' ${reason}; allowed are names like 'pypi.org' and '*.npmjs.org'`);
}

/** What is beneath a domain and the domain itself: how Network Firewall writes `*.`, which has no form without the domain. */
export function withSubdomains(name: string): string {
  return name.startsWith(WILDCARD) ? name.slice(1) : name;
}

function whyNot(typed: string, name: string): string | undefined {
  // The parser of names leaves some of them out, so they are looked for in what was typed.
  if (/[\s\p{Cc}]/u.test(typed)) return 'is no domain name';
  if (typed === '*') return 'would allow every name: SandboxNetwork.internet() does, too';
  if (typed.includes('://') || typed.includes('/')) return 'is a URL or a range of addresses, not a name';
  if (isIP(typed) !== 0 || isIP(typed.replace(/^\[|\]$/g, '')) !== 0) {
    return 'is an address, and addresses are not resolved: open one with allowTo(ec2.Peer.ipv4(…), …)';
  }
  if (/:\d*$/.test(typed)) return 'has a port: HTTPS is opened, and plain HTTP with plainHttp';
  if (name.includes('*')) return 'has a wildcard elsewhere than in front, as in *.example.com';
  const labels = name.split('.');
  if (labels.length < 2) return 'has one label only, and needs two at least';
  if (name.length > MAX_LENGTH) return `has ${name.length} characters, and ${MAX_LENGTH} at most are possible`;
  if (!labels.every((label) => LABEL.test(label))) return 'is no domain name';
  // What reads like an address is one to most programs: 127.1, 0x7f.0.0.1.
  if (/^(\d+|0x[0-9a-f]*)$/.test(labels[labels.length - 1])) return 'is an address or part of one, not a name';
  return undefined;
}

/** What cannot be written in ASCII comes back as it is, for the rules to refuse. */
function inAscii(name: string): string {
  const isAscii = [...name].every((character) => character <= '\x7f');
  // The parser would make an address of what only looks like a name.
  return isAscii ? name : domainToASCII(name) || name;
}
