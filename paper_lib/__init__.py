"""A companion to Pal and Vidal on additive adversarial attacks and defenses.

"A Game Theoretic Analysis of Additive Adversarial Attacks and Defenses", NeurIPS 2020.
One module per mathematical object of the paper. Each imports only from those before
it: ``files``, ``checks``, ``geometry``, ``arrangement``, ``data``, ``models``,
``linearize``, ``robust_sets``, ``attacks``, ``isotropic``, ``defense``, ``game``,
``generalization``, ``bounds``, ``local_linearity``, ``evaluation``, ``plotting``.
"""
