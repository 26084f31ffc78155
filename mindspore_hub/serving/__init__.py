"""A network and a gallery behind HTTP: Open Inference Protocol, search, and a page for a browser.

`protocol` reads and writes the messages of the protocol, `batching` runs pictures of many requests together,
`service` is what is served (features, search, gallery), `app` has the routes, `guard` what every request
has to pass, and `server` listens. The page is `page.html`, `page.css` and `page.js`.
"""
