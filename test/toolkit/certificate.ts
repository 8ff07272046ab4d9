// A certificate for tests over TLS.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missing } from './programs.ts';

/** Why no certificate can be made on this machine; `undefined` if one can. */
export const noOpenssl: string | undefined = missing('openssl', 'it makes the certificate of this test');

export interface Certificate {
  readonly key: Buffer;
  readonly cert: Buffer;
}

/** Makes a self-signed certificate for localhost, as `key.pem` and `cert.pem` in a folder, and returns both. */
export function createCertificateIn(folder: string): Certificate {
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(folder, name)) as [string, string];
  const kind = '-x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2';
  const subject = '-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1';
  execFileSync('openssl', ['req', ...`${kind} ${subject}`.split(' '), '-keyout', key, '-out', cert], { stdio: 'pipe' });
  return { key: readFileSync(key), cert: readFileSync(cert) };
}

/** The same, without files. */
export function createCertificate(): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'websock-tls-'));
  try {
    return createCertificateIn(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
