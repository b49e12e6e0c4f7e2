"""Images as tensors: ``kerasnb.ops.image``, all of it made of other ops. A page of names.

Images are ``(H, W, C)`` or ``(N, H, W, C)``; with ``data_format="channels_first"`` the channels
come before the height.
"""

from kerasnb.ops.image_colors import hsv_to_rgb, rgb_to_grayscale, rgb_to_hsv
from kerasnb.ops.image_places import affine_transform, map_coordinates
from kerasnb.ops.image_sizes import crop_images, extract_patches, pad_images, resize
from kerasnb.ops.operation import page

__all__ = [
    "affine_transform", "crop_images", "extract_patches", "hsv_to_rgb", "map_coordinates",
    "pad_images", "resize", "rgb_to_grayscale", "rgb_to_hsv",
]  # fmt: skip

page(globals())
