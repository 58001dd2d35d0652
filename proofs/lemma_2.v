(* Lemma 2: FGM is a best response to every strategy. *)
Require Export lemma_1.

Section Lemma_2.
Context {G : game}.
Implicit Types (sA : expectation (attack G)) (sD : expectation (defense G)).

Definition fgm : attack G := exist _ fgm_step fgm_in_ball.

(* At each input, and against each vector, however long. *)
Theorem fgm_dominates (x a v : space G) : in_ball (attack_budget G) a ->
  utility x a v <= utility x (fgm_step x) v.
Proof.
  intros short; destruct (flip_values (f x) (tangent x (add (add x (fgm_step x)) v)))
    as [safe | won]; [| unfold utility; rewrite won; apply flip_within].
  fold (utility x (fgm_step x) v) in safe; apply Req_le; rewrite safe.
  apply label_survives in safe as [label kept].
  apply label_survives; split; [exact label |].
  rewrite (fgm_effect x label) in kept; pose proof (attack_effect x a short); lra.
Qed.

(* What holds against each constant holds on average. *)
Lemma payoff_at_most u (bound : defense G -> R) sA sD :
  within_one bound -> (forall x a v, -1 <= u x a v <= 1) ->
  (forall a v, score_by u a v <= bound v) -> payoff_by u sA sD <= mean sD bound.
Proof.
  intros inside small less; rewrite <- (mean_constant sA (mean sD bound)).
  assert (scores : forall a, within_one (score_by u a)) by
    (intros a v; apply mean_within; intro x; apply small).
  apply mean_monotone; intro a; try (apply mean_within; auto; apply scores).
  apply mean_monotone; auto; apply scores.
Qed.

Lemma score_within (a : attack G) : within_one (score_by utility a).
Proof. intro v; apply mean_within; intro x; apply flip_within. Qed.

Lemma payoff_within sA sD : -1 <= payoff sA sD <= 1.
Proof. apply mean_within; intro a; apply mean_within, score_within. Qed.

(* Assumed of the means over x, a and v: monotone, and of a constant the constant. *)
Theorem lemma_2 sA sD : payoff sA sD <= payoff (pure fgm) sD.
Proof.
  apply (payoff_at_most utility (score_by utility fgm)); [apply score_within | |].
  - intros x a v; apply flip_within.
  - intros a v; apply mean_monotone; intro x; try apply flip_within.
    apply fgm_dominates, (proj2_sig a).
Qed.
End Lemma_2.
