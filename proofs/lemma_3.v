(* Lemma 3: SMOOTH is a best response to FGM; Corollary 2.1. *)
Require Export lemma_2.

Section Lemma_3.
Context {G : game}.
Implicit Types (v : defense G) (sD : expectation (defense G)).

(* Eq. (4): the share of inputs whose robust set contains v. *)
Definition phi v : R := mean (inputs G) (fun x => indicator (robust_dec x (move v))).

(* V*, and the strategies that play in it with probability one. *)
Definition best v : Prop := forall other, phi other <= phi v.
Definition smooth sD : Prop := plays_in sD best.

(* Assumed of p_X where phi occurs: it measures the inputs whose robust set has v. *)
Definition measures_robust_sets : Prop :=
  forall v, measures (inputs G) (fun x => indicator (robust_dec x (move v))).

Lemma utility_under_fgm x v :
  utility x (fgm_step x) (move v) = 1 - 2 * indicator (robust_dec x (move v)).
Proof.
  destruct robust_dec as [robust | exposed]; simpl.
  - rewrite (proj2 robust) by apply fgm_in_ball; lra.
  - destruct (flip_values (f x) (tangent x (add (add x (fgm_step x)) (move v))))
      as [safe | won]; [contradict exposed | unfold utility; rewrite won; lra].
    split; [apply move_in_ball |]; intros a short.
    pose proof (fgm_dominates x a (move v) short); unfold utility in *.
    destruct (flip_values (f x) (tangent x (add (add x a) (move v)))); lra.
Qed.

Lemma score_is_coverage v :
  measures_robust_sets -> score_by utility fgm v = 1 - 2 * phi v.
Proof.
  intros measured; unfold phi; rewrite <- mean_of_event by apply measured.
  apply mean_equal; intro x; [apply flip_within | apply utility_under_fgm].
Qed.

(* Eq. (37), from the attacker's side. *)
Theorem equation_37 sD : measures_robust_sets ->
  payoff (pure fgm) sD = mean sD (fun v => 1 - 2 * phi v).
Proof.
  intros measured; apply (mean_equal sD (score_by utility fgm)); [apply score_within |].
  intro v; now apply score_is_coverage.
Qed.

(* Assumed besides of the mean over v: monotone, and of a constant the constant. *)
Theorem lemma_3 (v_star : defense G) (sS : expectation (defense G)) :
  measures_robust_sets -> best v_star -> smooth sS ->
  defender_payoff (pure fgm) sS = 2 * phi v_star - 1 /\
  forall sD, defender_payoff (pure fgm) sD <= defender_payoff (pure fgm) sS.
Proof.
  intros measured top plays; set (value := 1 - 2 * phi v_star).
  assert (inside : within_one (fun v => 1 - 2 * phi v)).
  { intro v; rewrite <- score_is_coverage by exact measured; apply score_within. }
  assert (below : forall sD, value <= payoff (pure fgm) sD).
  { intro sD; rewrite equation_37, <- (mean_constant sD value) by exact measured.
    apply mean_monotone; auto; intro v; [apply inside |].
    specialize (top v); unfold value; lra. }
  assert (attained : payoff (pure fgm) sS <= value).
  { rewrite equation_37, <- (mean_constant sS value) by exact measured.
    apply plays; auto; [intro v; apply inside |].
    intros v also; specialize (also v_star); unfold value; lra. }
  pose proof (below sS); unfold defender_payoff; split; [unfold value in *; lra |].
  intro sD; specialize (below sD); lra.
Qed.

Corollary corollary_2_1 (sA : expectation (attack G)) (sS : expectation (defense G)) :
  smooth sS -> payoff sA sS <= payoff (pure fgm) sS.
Proof. intros _; apply lemma_2. Qed.
End Lemma_3.
Arguments measures_robust_sets : clear implicits.
