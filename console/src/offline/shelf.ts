/** A shelf in the browser's IndexedDB: what must outlive a reload. One store, string keys. */

const NAME = "tansiq";
const SHELF = "shelf";

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(SHELF);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function within<T>(mode: IDBTransactionMode, act: (shelf: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const database = await open();
  try {
    return await new Promise<T>((resolve, reject) => {
      const transaction = database.transaction(SHELF, mode, { durability: "strict" });
      const request = act(transaction.objectStore(SHELF));
      // Only a transaction that is complete is on disk.
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error);
      transaction.onerror = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

/** Keep a value under a key, on disk when this returns. */
export async function put(key: string, value: unknown): Promise<void> {
  await within("readwrite", (shelf) => shelf.put(value, key));
}

export async function get<T>(key: string): Promise<T | undefined> {
  return (await within("readonly", (shelf) => shelf.get(key))) as T | undefined;
}

export async function remove(key: string): Promise<void> {
  await within("readwrite", (shelf) => shelf.delete(key));
}

/** Everything whose key begins so, in order of key. */
export async function all<T>(prefix: string): Promise<T[]> {
  const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`);
  return (await within("readonly", (shelf) => shelf.getAll(range))) as T[];
}
