"""From pictures of any kind to the inputs of a network, as its card says it.

`folder` finds them, `decode` reads them, `resize` has the values of OpenCV and `opencv` is OpenCV
itself, where it is installed; `preprocess` follows a card's `preprocessing`.
"""
