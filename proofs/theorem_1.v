(* Lemmas 2 and 3, Corollary 2.1, Theorem 1 for two budgets, and its implications. *)
Require Export lemma_1.

Section Theorem_1.
Context {G : game}.
Implicit Types (v : defense G) (sA : mixed_attack G) (sD sS : mixed_defense G).

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
  within_one bound -> (forall x a w, -1 <= u x a w <= 1) ->
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

(* Assumed of the means over x, a and v: monotone, and of a constant itself. *)
Theorem lemma_2 sA sD : payoff sA sD <= payoff (pure fgm) sD.
Proof.
  apply (payoff_at_most utility (score_by utility fgm)); [apply score_within | |].
  - intros x a v; apply flip_within.
  - intros a v; apply mean_monotone; intro x; try apply flip_within.
    apply fgm_dominates, (proj2_sig a).
Qed.

(* Eq. (4): the share of inputs whose robust set contains v. *)
Definition phi v : R :=
  mean (inputs G) (fun x => indicator (robust_dec x (move v))).

(* V*, and the strategies that play in it with probability one. *)
Definition best v : Prop := forall other, phi other <= phi v.
Definition smooth sD : Prop := plays_in sD best.

(* To be assumed of p_X: it measures the inputs whose robust set has v. *)
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

(* Assumed besides of the mean over v: monotone, and of a constant itself. *)
Theorem lemma_3 (v_star : defense G) sS :
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

Corollary corollary_2_1 sA sS :
  smooth sS -> payoff sA sS <= payoff (pure fgm) sS.
Proof. intros _; apply lemma_2. Qed.

(* Assumed: what Lemmas 2 and 3 assume, and that phi has a maximizer. *)
Theorem theorem_1 (v_star : defense G) sS :
  measures_robust_sets -> best v_star -> smooth sS ->
  equilibrium (pure fgm) sS /\ payoff (pure fgm) sS = 1 - 2 * phi v_star.
Proof.
  intros measured top plays.
  destruct (lemma_3 v_star sS measured top plays) as [value no_better].
  unfold defender_payoff in value; split; [split | lra].
  - intro sA; now apply corollary_2_1.
  - exact no_better.
Qed.

(* A single maximizer will do. *)
Lemma pure_is_smooth v : best v -> smooth (pure v).
Proof. intros top g h _ _ less; now apply less. Qed.

(* Every equilibrium has this value. *)
Theorem theorem_1_value (v_star : defense G) sA sD :
  measures_robust_sets -> best v_star ->
  equilibrium sA sD -> payoff sA sD = 1 - 2 * phi v_star.
Proof.
  intros measured top [no_attack no_defense].
  destruct (theorem_1 v_star (pure v_star) measured top (pure_is_smooth _ top))
    as [[no_other_attack no_other_defense] value].
  pose proof (no_attack (pure fgm)); pose proof (no_defense (pure v_star)).
  pose proof (no_other_attack sA); pose proof (no_other_defense sD).
  unfold defender_payoff in *; lra.
Qed.

(* Implication 2: some attack is best whatever the defense. *)
Theorem implication_2 : exists sA : mixed_attack G,
  forall sD other, payoff other sD <= payoff sA sD.
Proof. exists (pure fgm); intros sD other; apply lemma_2. Qed.

(* Implication 3: the value is 1 if phi(v_star) = 0, and -1 if phi(v_star) = 1. *)
Theorem implication_3 (v_star : defense G) :
  measures_robust_sets -> best v_star ->
  (phi v_star = 0 -> forall sD, payoff (pure fgm) sD = 1) /\
  (phi v_star = 1 -> forall sA, payoff sA (pure v_star) = -1).
Proof.
  intros measured top.
  destruct (lemma_3 v_star _ measured top (pure_is_smooth _ top)) as [value most].
  unfold defender_payoff in *; split; intros extreme; [intro sD | intro sA].
  - specialize (most sD); pose proof (payoff_within (pure fgm) sD); lra.
  - pose proof (lemma_2 sA (pure v_star)); pose proof (payoff_within sA (pure v_star)).
    lra.
Qed.

(* With equal budgets phi(v_star) = 0 needs f = 0: to undo FGM is robust. *)
Theorem undoing_fgm (x : space G) :
  attack_budget G <= defense_budget G -> f x <> 0 ->
  robust_set x (scale (-1) (fgm_step x)).
Proof.
  intros budgets label; apply lemma_1; unfold in_ball, slack.
  pose proof (fgm_in_ball x) as short; unfold in_ball in short.
  rewrite norm_scale, dot_scale.
  replace (Rabs (-1)) with 1 by (unfold Rabs; destruct Rcase_abs; lra).
  repeat split; [lra | exact label |].
  pose proof (fgm_effect x label); rewrite Rmult_plus_distr_l, sgn_abs.
  pose proof (Rabs_pos (f x)); lra.
Qed.
End Theorem_1.
Arguments measures_robust_sets : clear implicits.

(* Implication 1. Two classifiers at one input: f = epsilon / 2, gradients e and -e. *)
Section Implication_1.
Context {E : inner_product_space} (e : E) (epsilon : R).
Hypothesis unit_length : norm e = 1.
Hypothesis positive : 0 < epsilon.

Definition one_input (s : R) : game :=
  {| space := E; f := fun _ => epsilon / 2; gradient := fun _ => scale s e;
     attack_budget_nonneg := Rlt_le _ _ positive;
     defense_budget_nonneg := Rlt_le _ _ positive; inputs := pure zero |}.

Lemma never_both (v : E) :
  robust_set (G := one_input 1) zero v ->
  robust_set (G := one_input (-1)) zero v -> False.
Proof.
  intros [_ [_ one]]%lemma_1 [_ [_ other]]%lemma_1; unfold slack in *; simpl in *.
  rewrite dot_scale_left, norm_scale, unit_length in *.
  rewrite Rabs_R1, (Rabs_left (-1)) in * by lra.
  revert one other; unfold sgn; destruct Rlt_dec; lra.
Qed.

(* A strategy fixed before the classifier is known, such as a rotationally symmetric
   one, gives the attacker at least 0 on one of the two, where another gives -1. *)
Theorem implication_1 (sD : expectation { v : E | in_ball epsilon v }) :
  (forall s, measures sD (score_by (G := one_input s) utility fgm)) ->
  exists s (v : defense (one_input s)), (s = 1 \/ s = -1) /\
    0 <= payoff (G := one_input s) (pure fgm) sD /\
    payoff (G := one_input s) (pure fgm) (pure v) = -1.
Proof.
  intros measured; set (score s := score_by (G := one_input s) utility fgm).
  assert (within : forall s, within_one (score s))
    by (intro s; apply (score_within (G := one_input s))).
  assert (scores : forall s v,
    score s v = 1 - 2 * indicator (robust_dec (G := one_input s) zero (proj1_sig v)))
    by (intros s v; apply (utility_under_fgm (G := one_input s))).
  assert (won : forall s, exists v, score s v = -1).
  { intro s; set (undo := scale (-1) (fgm_step (G := one_input s) zero)).
    assert (robust : robust_set (G := one_input s) zero undo)
      by (apply undoing_fgm; simpl; lra).
    exists (exist _ _ (proj1 robust)); rewrite scores.
    destruct robust_dec; simpl; tauto || lra. }
  assert (0 <= / 2 * mean sD (score 1) + / 2 * mean sD (score (-1))).
  { rewrite <- mean_linear by (apply within || apply measured).
    rewrite <- (mean_constant sD 0) at 1; apply mean_monotone; intro v;
      pose proof (within 1 v); pose proof (within (-1) v); try lra.
    pose proof (never_both (proj1_sig v)).
    rewrite !scores; repeat destruct robust_dec; simpl; tauto || lra. }
  destruct (Rle_dec 0 (mean sD (score 1))) as [first |];
    [destruct (won 1) as [v loses]; exists 1, v
    | destruct (won (-1)) as [v loses]; exists (-1), v];
    (split; [tauto | split; [| exact loses]]); [exact first |].
  change (0 <= mean sD (score (-1))); lra.
Qed.
End Implication_1.
