/*
 * UUIDv7, RFC 9562, 5.7: an id that begins with its time in milliseconds.
 */

export function uuidv7(now = Date.now()) {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    const view = new DataView(bytes.buffer);

    view.setUint32(0, Math.floor(now / 0x10000));
    view.setUint16(4, now % 0x10000);
    bytes[6] = 0x70 | bytes[6] & 0x0f;
    bytes[8] = 0x80 | bytes[8] & 0x3f;

    const hex = Array.from(bytes, (b) => b.toString(16).padStart(2, '0'))
                     .join('');

    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}


/* when it was made; of a deleted message nothing else tells that */

export function timeOf(id) {
    return new Date(parseInt(id.slice(0, 8) + id.slice(9, 13), 16));
}
