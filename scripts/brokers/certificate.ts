import { join } from "node:path";
import { ask } from "./programs.ts";

export interface Certificate {
  /** PEM files. The certificate signs itself: it is also what clients have to trust. */
  readonly cert: string;
  readonly key: string;
}

/** Makes a certificate for 127.0.0.1 and localhost in `folder`, with the openssl program. */
export async function makeCertificate(folder: string): Promise<Certificate> {
  const cert = join(folder, "certificate.pem");
  const key = join(folder, "key.pem");
  const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "7", "-subj", "/CN=localhost"];
  const names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const args = [...request, ...names, "-keyout", key, "-out", cert];
  const { ok, output } = await ask("openssl", args, { timeoutMs: 30_000 });
  if (!ok) throw new Error(`openssl made no certificate: ${output}`);
  return { cert, key };
}
