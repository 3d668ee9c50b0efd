"""What the form says about photos, (English, Spanish) by key."""

from __future__ import annotations

from typing import Final

PHOTO_WORDS: Final[dict[str, tuple[str, str]]] = {
    "photos": ("Photos", "Fotos"),
    "photo_take": ("Take or choose a photo", "Tomar o elegir una foto"),
    "photo_hint": (
        "made small on this phone, sent after the entries",
        "se achica en el teléfono, se envía después de lo anotado",
    ),
    "photo_hint_plain": (
        "as the camera made it, up to {size} in all",
        "tal como sale de la cámara, hasta {size} en total",
    ),
    "photo_caption": ("What it shows", "Qué se ve"),
    "photo_remove": ("Remove", "Quitar"),
    "photo_unreadable": (
        "This is no picture that can be read here: take it again, as JPEG.",
        "Esta imagen no se puede leer aquí: tómela otra vez, como JPEG.",
    ),
    "photo_most": (
        "An entry has {count} photos at most; save, and add the others to the next.",
        "Una anotación lleva {count} fotos a lo más; guarde y ponga las demás en la siguiente.",
    ),
    "photo_full": (
        "This phone is full: the photo was not kept. Free some space, then take it again.",
        "El teléfono está lleno: la foto no se guardó. Libere espacio y tómela otra vez.",
    ),
    "photo_dead": (
        "The phone's storage does not answer: the photo was not kept. Close and open this page.",
        "El almacén del teléfono no responde: la foto no se guardó. Cierre y abra la página.",
    ),
    "photo_not_sent": (
        "The entry is sent, a photo is not, and this browser keeps none: take it again.",
        "Lo anotado se envió, una foto no, y este navegador no guarda: tómela otra vez con señal.",
    ),
    "photo_again": (
        "The photos did not stay in the form: choose them again before saving.",
        "Las fotos no quedaron en el formulario: elíjalas otra vez antes de guardar.",
    ),
    "photo_no_room": (
        "The box at the site is short of space: it takes entries, and no photos for now.",
        "La caja del sitio tiene poco espacio: recibe anotaciones, y fotos no por ahora.",
    ),
    "photo_no_room_plain": (
        "The entry is saved. The box at the site is short of space: keep the photos on your phone.",
        "Lo anotado quedó guardado. La caja tiene poco espacio: conserve las fotos en su teléfono.",
    ),
    "photo_too_large": (
        "Nothing was saved: the photos are larger than {size} together. Send fewer, or smaller.",
        "No se guardó nada: las fotos juntas pasan de {size}. Envíe menos, o más chicas.",
    ),
    "photo_busy": (
        "Nothing was saved: the box takes the photos of another phone. Press again in a moment.",
        "No se guardó: la caja recibe las fotos de otro teléfono. Oprima otra vez en un momento.",
    ),
    "photo_refused_plain": (
        "The entry is saved, a photo is not: {why}",
        "Lo anotado quedó guardado, una foto no: {why}",
    ),
    "photo_refused": ("A photo was not taken: {why}", "Una foto no fue aceptada: {why}"),
    "photo_unnamed": ("The entry names no such photo.", "Lo anotado no nombra esta foto."),
    "photo_not_yours": (
        "Only who made an entry, or the office, adds photos to it.",
        "Solo quien anotó, o la oficina, agrega fotos.",
    ),
    "photo_none": (
        "This is no picture; photos are JPEG, PNG, WebP or HEIC.",
        "Esto no es una imagen; las fotos son JPEG, PNG, WebP o HEIC.",
    ),
    "photo_forget": ("Forget it", "Olvidarla"),
    "entry_one": ("1 entry", "1 anotación"),
    "entry_many": ("{count} entries", "{count} anotaciones"),
    "photo_one": ("1 photo", "1 foto"),
    "photo_many": ("{count} photos", "{count} fotos"),
    "wait_both": ("{entries} and {photos} wait", "esperan {entries} y {photos}"),
    "wait_photos": ("{photos} to send", "{photos} por enviar"),
    "wait_site": ("{photos} here for the office", "{photos} aquí para la oficina"),
}

#: What the script says of them.
PHOTOS_SPOKEN: Final = (
    *("photo_caption", "photo_remove", "photo_unreadable", "photo_most", "photo_full"),
    *("photo_dead", "photo_not_sent", "photo_no_room", "photo_refused", "photo_forget"),
    *("entry_one", "entry_many", "photo_one", "photo_many", "wait_both", "wait_photos"),
    "wait_site",
)


def waiting_photos(count: int) -> str:
    """The key of so many photos: one has words of its own."""
    return "photo_one" if count == 1 else "photo_many"
