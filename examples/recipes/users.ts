// A stand-in for a database of sessions.

const users = new Map([['abc123', { name: 'alice' }]]);

/** The user of a session; `undefined` if the session is missing or unknown. */
export async function userOf(session: string | undefined): Promise<{ readonly name: string } | undefined> {
  await new Promise((settle) => setTimeout(settle, 5));
  if (session === 'broken') throw new Error('the database does not answer');
  return users.get(session ?? '');
}
