"""What a server's or a network's refusal means for the artist."""

import socket
import ssl

from desktop_app.errors import AppError
from desktop_app.library.fetch_stop import Hurdle


def no_hub() -> AppError:
    """The answer is something else than a hub gives, such as a page to log in."""
    return AppError(
        "download-answer",
        "The answer is not what a model server sends; often a network's log-in page is in between.",
        hint="Open any page in the browser to see whether the network asks you to log in.",
    )


def problem(fault: Exception) -> AppError | Hurdle:
    """What a failed call means."""
    match fault:
        case ssl.SSLCertVerificationError():
            return AppError(
                "download-certificate",
                "The server cannot prove who it is, so nothing was fetched from it.",
                hint="A network's log-in page, a wrong clock or a virus scanner can be the reason.",
            )
        case OSError() if str(fault).startswith("Tunnel connection failed"):
            return AppError(
                "download-proxy",
                f"The proxy does not let the connection through ({str(fault)[26:60]}).",
                hint="Look at the proxy in the system's settings.",
            )
        case socket.gaierror():
            return Hurdle("the server was not found")
        case TimeoutError():
            return Hurdle("the server does not answer")
        case ValueError():
            return no_hub()
        case _:
            # An AttributeError, too: http.client reads on from a socket that was closed meanwhile.
            return Hurdle("the connection broke")


def redirect(reason: str) -> AppError:
    return AppError(
        "download-redirect",
        f"Nothing was fetched: {reason}.",
        hint="Try later, or another mirror in the settings.",
    )


def refusal(status: int, code: str, host: str, *, ours: bool, has_token: bool) -> AppError:
    """What an answer's status means.

    Args:
        code: the hub's own word for it; empty for none.
        ours: whether the hub itself answered, and not a store that it redirects to.
    """
    if not ours:
        return AppError(
            "download-refused",
            f"{host} refused with the answer {status}.",
            hint="Try later, or another mirror in the settings.",
            status=status,
        )
    if code == "GatedRepo" or (status == 403 and has_token):
        return AppError(
            "download-gated",
            "Its makers give this model only to those who accept its licence.",
            hint="Accept the licence on the model's page in the browser, then try again"
            + ("." if has_token else " with your access token in the settings."),
            status=status,
        )
    if status == 401 and has_token and code != "RepoNotFound":
        return AppError(
            "download-token",
            f"{host} does not take the access token.",
            hint="Put a valid one into the settings, or none.",
            status=status,
        )
    if status in (401, 403, 404, 410) or code in ("RepoNotFound", "EntryNotFound"):
        return AppError(
            "download-not-found",
            f"{host} has no such model or file, or shows it only to those it knows.",
            hint="Look at the spelling. A private model needs your access token in the settings.",
            status=status,
        )
    return AppError(
        "download-refused",
        f"{host} refused with the answer {status}.",
        hint="Try later, or another mirror in the settings.",
        status=status,
    )
