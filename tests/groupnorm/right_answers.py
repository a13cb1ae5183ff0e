"""Answers to the groupnorm notebook that are right and look unlike the reference: none may lose a point."""

from __future__ import annotations

from reference.course import RightAnswer

RIGHT_ANSWERS = (
    RightAnswer(
        "group_by_group",
        """
def groupnorm_forward(x, gamma, beta, gn_param):
    width = x.shape[1] // gn_param["groups"]
    x_hat, roots = np.zeros_like(x), []
    for start in range(0, x.shape[1], width):
        part = x[:, start : start + width]
        roots.append(np.sqrt(part.var(axis=1) + gn_param.get("eps", 1e-5)))
        x_hat[:, start : start + width] = (part.T - part.mean(axis=1)).T / roots[-1][:, None]
    return gamma * x_hat + beta, (x_hat, roots, gamma)


def groupnorm_backward(dout, cache):
    x_hat, roots, gamma = cache
    width, dx = dout.shape[1] // len(roots), np.zeros_like(dout)
    for number, root in enumerate(roots):
        part = slice(number * width, (number + 1) * width)
        g, normal = (dout * gamma)[:, part], x_hat[:, part]
        along = (g * normal).mean(axis=1, keepdims=True)
        dx[:, part] = (g - g.mean(axis=1, keepdims=True) - normal * along) / root[:, None]
    return dx, (dout * x_hat).sum(axis=0), dout.sum(axis=0)
""",
    ),
)
