// Stands for a database of sessions.

const users = new Map([['abc123', { name: 'alice' }]]);

/** Whose session it is; `undefined` for none, or an unknown one. */
export async function userOf(session: string | undefined): Promise<{ readonly name: string } | undefined> {
  await new Promise((settle) => setTimeout(settle, 5));
  if (session === 'broken') throw new Error('the database does not answer');
  return users.get(session ?? '');
}
