"""Draw the sample pictures of `mshub demo`: three figures, each in colour and as heat.

Run it as `python -m tools.draw_samples`; the same Pillow version draws the same bytes.
"""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter, ImageOps

FOLDER = Path(__file__).resolve().parents[1] / "mindspore_hub" / "samples"
SIZE = (72, 144)
Colour = tuple[int, int, int]


def draw_figure(coat: Colour, trousers: Colour, width: int, *, bag: bool) -> Image.Image:
    """Draw a standing figure on a grey street."""
    image = Image.new("RGB", SIZE, (150, 152, 156))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 118, 72, 144), fill=(112, 110, 106))
    middle = SIZE[0] // 2
    draw.ellipse((middle - 8, 10, middle + 8, 30), fill=(206, 162, 132))
    draw.rounded_rectangle((middle - width, 30, middle + width, 82), 8, fill=coat)
    draw.rectangle((middle - width + 5, 80, middle - 2, 132), fill=trousers)
    draw.rectangle((middle + 2, 80, middle + width - 5, 132), fill=trousers)
    if bag:
        draw.rounded_rectangle(
            (middle + width - 4, 66, middle + width + 10, 92), 3, fill=(60, 44, 30)
        )
    return image.filter(ImageFilter.GaussianBlur(0.8))


def as_heat(image: Image.Image) -> Image.Image:
    """A picture such as an infrared camera takes: one channel, soft, three times the same."""
    grey = ImageOps.autocontrast(ImageOps.grayscale(image.filter(ImageFilter.GaussianBlur(1.6))))
    return Image.merge("RGB", (grey, grey, grey))


def main() -> None:
    """Write all pictures."""
    FOLDER.mkdir(exist_ok=True)
    figures = {
        "red-coat": draw_figure((176, 42, 48), (38, 40, 66), 22, bag=True),
        "blue-shirt": draw_figure((52, 92, 182), (92, 84, 70), 16, bag=False),
        "green-dress": draw_figure((44, 128, 76), (44, 128, 76), 19, bag=True),
    }
    for name, image in figures.items():
        image.save(FOLDER / f"{name}-visible.png", optimize=True)
        as_heat(image).save(FOLDER / f"{name}-infrared.png", optimize=True)


if __name__ == "__main__":
    main()
