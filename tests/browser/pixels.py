"""What a canvas shows, as numbers."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Locator

CANVAS_WIDTH = 240  # pixels that a canvas is scaled down to before it is looked at
CHANGED = 24  # difference in any channel (of 255) that an eye would see

# Copies a (WebGL) canvas to a small 2-D one and returns its RGBA bytes in base64, or null if it has no size yet.
_READ_CANVAS = """(canvas, width) => {
  if (!canvas.width || !canvas.height) return null;
  const height = Math.max(1, Math.round(width * canvas.height / canvas.width));
  const copy = document.createElement('canvas');
  copy.width = width; copy.height = height;
  const context = copy.getContext('2d', {willReadFrequently: true});
  context.drawImage(canvas, 0, 0, width, height);
  const bytes = context.getImageData(0, 0, width, height).data;
  let text = '';
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return [height, btoa(text)];
}"""


def canvas_pixels(canvas: Locator) -> np.ndarray:
    """(height, 240, 3) uint8 of what a canvas holds, on white; (0, 240, 3) if it has no size."""
    found = canvas.evaluate(_READ_CANVAS, CANVAS_WIDTH)
    if found is None:
        return np.zeros((0, CANVAS_WIDTH, 3), np.uint8)
    rgba = np.frombuffer(base64.b64decode(found[1]), np.uint8).reshape(found[0], CANVAS_WIDTH, 4).astype(float)
    alpha = rgba[..., 3:] / 255
    return (rgba[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)


def screen_pixels(element: Locator) -> np.ndarray:
    """(height, width, 3) uint8 of an element as it is on the screen, whatever lies over it included."""
    return np.asarray(Image.open(io.BytesIO(element.screenshot())).convert("RGB"))


def drawn_share(pixels: np.ndarray) -> float:
    """Share of the pixels that differ visibly from the commonest colour, which is taken as the background."""
    if pixels.size == 0:
        return 0.0
    flat = pixels.reshape(-1, 3)
    colours, counts = np.unique(flat, axis=0, return_counts=True)
    return float(changed(flat, np.broadcast_to(colours[counts.argmax()], flat.shape)).mean())


def changed_share(one: np.ndarray, other: np.ndarray) -> float:
    """Share of the pixels that differ visibly between two pictures; 1 if they differ in size."""
    return 1.0 if one.shape != other.shape else float(changed(one, other).mean())


def changed(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """True where two pictures of one shape (..., 3) differ visibly."""
    return (np.abs(one.astype(int) - other.astype(int)) > CHANGED).any(axis=-1)


def colourful_share(pixels: np.ndarray) -> float:
    """Share of the pixels that are neither white, black nor grey."""
    return float((np.ptp(pixels.astype(int), axis=-1) > CHANGED).mean()) if pixels.size else 0.0
