#!/usr/bin/python3
"""prioritisation_page.py DIR - writes the classic page that tests a server's priorities: files to
serve, and a manifest for `weir trace`.

The page requests thirty background images at once. When the first image has begun to arrive, and the connection
is full of them, the page finds that it needs a style sheet, a script, a font and the main image. A server that
follows the signals sends these at once; others send them behind megabytes of background.

Half of the images are PNG, with their dimensions in the first bytes. The others are JPEG with a block of
metadata in front, as cameras write them. All are real images of noise, so that compression cannot change their
size.
"""
import argparse
import json
import os
import random
import struct
import zlib

# name, kind, bytes
CRITICAL = [("late.css", "style", 20_000), ("late.js", "script", 40_000),
            ("late.woff2", "font", 25_000)]
HERO_BYTES = 60_000


def png(bytes_wanted, noise):
    """Rows of grey noise, stored uncompressed, until the file has about the size wanted."""
    width = 256
    height = max(1, bytes_wanted // (width + 1))
    rows = b"".join(b"\0" + noise.randbytes(width) for _ in range(height))

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(
            ">I", zlib.crc32(kind + body))

    size = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size)
            + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b"")), width, height


def segment(marker, body):
    return struct.pack(">BBH", 0xff, marker, len(body) + 2) + body


def jpeg(bytes_wanted, noise, metadata_bytes=3000):
    """A grey baseline JPEG with metadata in front. Its codes are so short that nearly any bits
    are an image."""
    exif = segment(0xe1, b"Exif\0\0" + b"II*\0\x08\0\0\0\0\0" + noise.randbytes(metadata_bytes))
    quantisation = segment(0xdb, b"\0" + b"\x10" * 64)
    direct = segment(0xc4, b"\0" + bytes([0, 0, 0, 8] + [0] * 12) + bytes(range(8)))
    # One-bit code: end of block. The image is flat squares, eight pixels wide.
    alternating = segment(0xc4, b"\x10" + bytes([1] + [0] * 15) + b"\0")
    body = noise.randbytes(max(0, bytes_wanted - metadata_bytes - 400)).replace(b"\xff", b"\xfe")
    width = 2048
    height = max(8, len(body) // (width // 8) * 8)
    frame = segment(0xc0, struct.pack(">BHHBBBB", 8, height, width, 1, 1, 0x11, 0))
    scan = segment(0xda, b"\x01\x01\0\0\x3f\0")
    return (b"\xff\xd8" + exif + quantisation + frame + direct + alternating + scan + body
            + b"\xff\xd9"), width, height


def image(index, bytes_wanted, noise):
    content, width, height = (jpeg if index % 2 else png)(bytes_wanted, noise)
    return f"background-{index:02}.{'jpg' if index % 2 else 'png'}", content, width, height


def index_html(backgrounds):
    pictures = "\n".join(f'<img src="{name}" alt="" loading="lazy">' for name in backgrounds)
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Who decides what arrives first?</title>
{pictures}
<script>
// Asked for late: when the connection is full of images.
setTimeout(() => {{
  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = "late.css";
  document.head.append(style);
  const script = document.createElement("script");
  script.src = "late.js";
  document.head.append(script);
  const hero = document.createElement("img");
  hero.src = "hero.jpg";
  hero.fetchPriority = "high";
  document.body.prepend(hero);
}}, 300);
</script>
</html>
"""


def manifest(backgrounds, late_ms):
    """The requests of a browser, and when it makes them."""
    def late(url, delay, **more):
        return {"url": url, "after": backgrounds[0], "event": "first-byte",
                "delay": late_ms + delay, "critical": True, **more}

    resources = [{"url": "index.html", "kind": "document"}]
    resources += [{"url": name, "kind": "image", "after": "index.html", "event": "complete"}
                  for name in backgrounds]
    resources += [late(name, 100 * index, kind=kind)
                  for index, (name, kind, _) in enumerate(CRITICAL)]
    # The images in view. A browser raises their priority once it has the layout.
    resources.append(late("hero.jpg", 300, kind="image", priority="u=2, i", weight=183))
    return {"resources": resources}


def write(directory, images=30, image_bytes=40_000, late_ms=300, seed=1):
    """Returns the manifest's path."""
    noise = random.Random(seed)
    os.makedirs(directory, exist_ok=True)
    backgrounds = []

    def save(name, content):
        with open(os.path.join(directory, name), "wb") as file:
            file.write(content)

    for index in range(images):
        name, content, _, _ = image(index, image_bytes, noise)
        save(name, content)
        backgrounds.append(name)
    for name, _, size in CRITICAL:
        save(name, noise.randbytes(size) if name.endswith("woff2") else
             b"/* " + noise.randbytes(size // 2).hex().encode()[:size - 7] + b" */\n")
    save("hero.jpg", jpeg(HERO_BYTES, noise)[0])
    save("index.html", index_html(backgrounds).encode())
    path = os.path.join(directory, "manifest.json")
    with open(path, "w") as file:
        json.dump(manifest(backgrounds, late_ms), file, indent=1)
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0],
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", metavar="DIR")
    parser.add_argument("--images", type=int, default=30)
    parser.add_argument("--image-bytes", type=int, default=40_000)
    parser.add_argument("--late-ms", type=int, default=300,
                        help="after the first background image has begun to arrive")
    options = parser.parse_args()
    path = write(options.directory, options.images, options.image_bytes, options.late_ms)
    print(f"weir serve {options.directory} &\n"
          f"weir trace -m {path} -r 200K -o page.svg http://localhost:8080/")


if __name__ == "__main__":
    main()
